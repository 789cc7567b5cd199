//! A window computed at once, with its spikes and counts added up.

use crate::arithmetic::vectorised;
use crate::encoder::Encoder;
use crate::error::Result;
use crate::forward::readout::Readout;
use crate::forward::watch::Watch;
use crate::forward::windows::{Windows, Workspace};
use crate::forward::{Sent, SentenceRun, Sentences, Simulation, Wanted};
use crate::neuron::Code;

/// Spikes of every population, and what else is wanted.
#[derive(Debug, Clone, Default)]
struct Tally {
    code: Code,
    /// Whether the sums of every neuron are wanted, and what every neuron sends.
    wanted: (bool, bool),
    spikes: Vec<u64>,
    sums: Vec<Vec<f32>>,
    sent: Vec<Tallied>,
}

/// Rows after which sums in `f32` are emptied: `f32` holds integers of up to 2^24, which 65,536 rows of 127 spikes do not reach.
const FLUSH: usize = 1 << 16;

/// [`Sent`] while it is added up: `f32` needs no conversion of each count.
#[derive(Debug, Clone)]
struct Tallied {
    spikes: Vec<f32>,
    active: Vec<f32>,
    /// Rows in these sums.
    rows: usize,
    sent: Sent,
}

impl Tallied {
    fn silent(width: usize) -> Self {
        let zeros = vec![0.0; width];
        Self { spikes: zeros.clone(), active: zeros, rows: 0, sent: Sent::silent(width, true) }
    }

    fn add(&mut self, counts: &[f32], code: Code) {
        for counts in counts.chunks(FLUSH * self.spikes.len()) {
            let rows = counts.len() / self.spikes.len();
            if self.rows + rows > FLUSH {
                self.flush();
            }
            self.rows += rows;
            // The code is chosen outside the loop, so that each loop is straight-line code.
            match code {
                Code::Unary => self.add_few(counts, |n| n.abs()),
                Code::Digits => self.add_few(counts, |n| Code::Digits.spikes(n as i32) as f32),
                Code::Naf => self.add_few(counts, |n| Code::Naf.spikes(n as i32) as f32),
                Code::Single => self.add_few(counts, |n| if n == 0.0 { 0.0 } else { 1.0 }),
            }
        }
    }

    fn flush(&mut self) {
        let Self { spikes, active, sent, rows } = self;
        for (sums, total) in [(spikes, &mut sent.spikes), (active, &mut sent.active)] {
            sums.iter_mut().zip(total).for_each(|(sum, total)| *total += std::mem::take(sum) as u64);
        }
        *rows = 0;
    }

    #[inline(always)]
    fn add_few(&mut self, counts: &[f32], sent: impl Fn(f32) -> f32) {
        let (spikes, active) = (self.spikes.as_mut_slice(), self.active.as_mut_slice());
        vectorised!(move || {
            for row in counts.chunks_exact(spikes.len()) {
                for ((&n, spikes), active) in row.iter().zip(spikes.iter_mut()).zip(active.iter_mut()) {
                    *spikes += sent(n);
                    *active += if n == 0.0 { 0.0 } else { 1.0 };
                }
            }
        });
    }

    fn finish(mut self) -> Sent {
        self.flush();
        self.sent
    }
}

impl Watch for Tally {
    const COUNTS: bool = true;

    fn counts(&mut self, population: usize, width: usize, counts: &[f32]) {
        let (sums, sent) = self.wanted;
        if population == self.spikes.len() {
            self.spikes.push(0);
            self.sums.push(Vec::new());
            let width = if sent { width } else { 0 };
            self.sent.push(Tallied::silent(width));
        }
        if sent {
            self.sent[population].add(counts, self.code);
        }
        // A neuron under a constant current never spikes both ways.
        for row in counts.chunks(FLUSH) {
            self.spikes[population] += u64::from(match self.code {
                Code::Unary => vectorised!(|| row.iter().map(|n| n.abs() as u32).sum::<u32>()),
                code => row.iter().map(|&n| code.spikes(n as i32)).sum::<u32>(),
            });
        }
        if sums {
            self.sums[population].extend_from_slice(counts);
        }
    }
}

/// The run of one sentence.
pub(super) fn run(
    encoder: &Encoder,
    currents: &[f32],
    simulation: &Simulation,
    wanted: Wanted<'_>,
) -> Result<SentenceRun> {
    let watch = Tally { code: simulation.code, wanted: (wanted.sums, wanted.sent), ..Tally::default() };
    let mut workspace = Workspace::watched_by(watch);
    let mut readout = Readout::new(encoder, wanted, SentenceRun::default());
    let pack = Sentences { currents, lengths: &[currents.len() / encoder.config.hidden] };
    let windows = Windows { encoder, time_steps: simulation.time_steps, pack };
    let mut answered = Ok(true);
    windows.run(1, &mut workspace, |sums| answered = readout.answer(sums, &[]))?;
    answered?;
    let Tally { spikes, sums, sent, wanted, .. } = workspace.take_watches().pop().unwrap_or_default();
    let sums = if wanted.0 { sums } else { Vec::new() };
    let sent = if wanted.1 { sent.into_iter().map(Tallied::finish).collect() } else { Vec::new() };
    Ok(SentenceRun { steps: simulation.steps(), spikes, sums, sent, ..readout.run })
}
