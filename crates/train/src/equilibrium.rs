//! Fixed points `x = G(x)` of maps that are only known by evaluation: plain iteration, Anderson acceleration, Broyden's method.
//!
//! Anderson, J. ACM 12 (1965) 547, in the form of Walker and Ni, SIAM J. Numer. Anal. 49 (2011) 1715; Broyden, Math. Comp. 19
//! (1965) 577, with the inverse kept as rank-one updates as in deep equilibrium models (Bai, Kolter and Koltun, arXiv
//! 1909.01377).

use std::collections::VecDeque;

use bitspike::config::Solver;

use crate::error::Result;
use crate::symmetric::Eigen;

/// When a solver stops.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Relative residual `|G(x) - x| / |G(x)|` at which it is done.
    pub tolerance: f64,
    /// Most evaluations of `G`.
    pub max_iterations: u32,
    /// Earlier iterates that it combines.
    pub memory: usize,
}

/// What a solver found.
#[derive(Debug, Clone, PartialEq)]
pub struct Solution {
    /// The iterate of the smallest residual.
    pub x: Vec<f32>,
    /// How it went.
    pub report: SolveReport,
}

/// How a solve went.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct SolveReport {
    /// Evaluations of `G`.
    pub iterations: u32,
    /// Smallest relative residual; infinite where no iterate was finite.
    pub residual: f64,
    /// Whether the tolerance was met.
    pub converged: bool,
    /// Whether it ended further from a solution than it had been: the last residual is no number, or ten times the smallest.
    pub diverged: bool,
}

/// Solves `x = G(x)` from `x0`. A solve that does not converge returns its best iterate and says so in the report.
///
/// # Errors
/// Those of `map`.
pub fn solve(
    solver: Solver,
    x0: Vec<f32>,
    limits: Limits,
    mut map: impl FnMut(&[f32]) -> Result<Vec<f32>>,
) -> Result<Solution> {
    let mut method: Box<dyn Method> = match solver {
        Solver::Plain => Box::new(Plain),
        Solver::Anderson => Box::new(Anderson { memory: limits.memory, past: VecDeque::new() }),
        Solver::Broyden => Box::new(Broyden { memory: limits.memory, last: None, updates: Vec::new() }),
    };
    let mut best = Solution {
        x: x0.clone(),
        report: SolveReport { iterations: 0, residual: f64::INFINITY, ..SolveReport::default() },
    };
    let mut x = x0;
    for iteration in 1..=limits.max_iterations {
        let g = map(&x)?;
        best.report.iterations = iteration;
        let f: Vec<f32> = g.iter().zip(&x).map(|(g, x)| g - x).collect();
        let size = norm(&g);
        let residual = if size == 0.0 { norm(&f) } else { norm(&f) / size };
        if !residual.is_finite() {
            // Overflow: nothing further can be learnt from here on.
            best.report.diverged = true;
            return Ok(best);
        }
        if residual < best.report.residual {
            best.report.residual = residual;
            best.x.clone_from(&x);
        }
        best.report.diverged = residual > 10.0 * best.report.residual;
        if best.report.diverged {
            // A step that threw the iterate far away: what was learnt on the way misleads.
            method.forget();
        }
        if residual <= limits.tolerance {
            best.report.converged = true;
            return Ok(best);
        }
        x = method.next(&x, &g, &f);
    }
    Ok(best)
}

/// A rule for the next iterate from the last one, its image and their difference.
trait Method {
    fn next(&mut self, x: &[f32], g: &[f32], f: &[f32]) -> Vec<f32>;
    fn forget(&mut self);
}

struct Plain;

impl Method for Plain {
    fn next(&mut self, _x: &[f32], g: &[f32], _f: &[f32]) -> Vec<f32> {
        g.to_vec()
    }

    fn forget(&mut self) {}
}

/// Combines the last images so that the same combination of their differences is smallest.
struct Anderson {
    memory: usize,
    past: VecDeque<(Vec<f32>, Vec<f32>)>,
}

impl Method for Anderson {
    fn next(&mut self, _x: &[f32], g: &[f32], f: &[f32]) -> Vec<f32> {
        // Coefficients of the changes of f that best explain f itself.
        let changes: Vec<Vec<f32>> = self.past.iter().map(|(_, old)| difference(f, old)).collect();
        let gram: Vec<Vec<f64>> = changes.iter().map(|a| changes.iter().map(|b| dot(a, b)).collect()).collect();
        let right: Vec<f64> = changes.iter().map(|change| dot(change, f)).collect();
        let scale = gram.iter().enumerate().map(|(i, row)| row[i]).fold(0.0, f64::max);
        let mut next = g.to_vec();
        if scale > 0.0 {
            for (weight, (old, _)) in Eigen::of(gram).solve(&right, 1e-10 * scale).iter().zip(&self.past) {
                next.iter_mut().zip(g.iter().zip(old)).for_each(|(next, (g, old))| *next -= *weight as f32 * (g - old));
            }
        }
        self.past.push_back((g.to_vec(), f.to_vec()));
        if self.past.len() > self.memory {
            self.past.pop_front();
        }
        next
    }

    fn forget(&mut self) {
        self.past.clear();
    }
}

/// Keeps an approximate inverse `H` of the derivative of `f = G - x`, at first `-1`, as `-1 + sum of u v^T`.
struct Broyden {
    memory: usize,
    last: Option<(Vec<f32>, Vec<f32>)>,
    updates: Vec<(Vec<f32>, Vec<f32>)>,
}

impl Broyden {
    fn inverse(&self, y: &[f32]) -> Vec<f32> {
        let mut out: Vec<f32> = y.iter().map(|y| -y).collect();
        for (u, v) in &self.updates {
            let along = dot(v, y) as f32;
            out.iter_mut().zip(u).for_each(|(out, u)| *out += along * u);
        }
        out
    }

    fn inverse_transposed(&self, y: &[f32]) -> Vec<f32> {
        let mut out: Vec<f32> = y.iter().map(|y| -y).collect();
        for (u, v) in &self.updates {
            let along = dot(u, y) as f32;
            out.iter_mut().zip(v).for_each(|(out, v)| *out += along * v);
        }
        out
    }
}

impl Method for Broyden {
    fn next(&mut self, x: &[f32], _g: &[f32], f: &[f32]) -> Vec<f32> {
        if let Some((old_x, old_f)) = self.last.take() {
            if self.updates.len() == self.memory {
                self.updates.clear();
            }
            let (dx, df) = (difference(x, &old_x), difference(f, &old_f));
            let (inverse, v) = (self.inverse(&df), self.inverse_transposed(&dx));
            let along = dot(&v, &df);
            if along.abs() > 1e-12 * norm(&v) * norm(&df) {
                let u = dx.iter().zip(&inverse).map(|(dx, h)| (dx - h) / along as f32).collect();
                self.updates.push((u, v));
            }
        }
        self.last = Some((x.to_vec(), f.to_vec()));
        x.iter().zip(self.inverse(f)).map(|(x, step)| x - step).collect()
    }

    fn forget(&mut self) {
        self.updates.clear();
        self.last = None;
    }
}

fn difference(a: &[f32], b: &[f32]) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}

/// Euclidean norm.
pub(crate) fn norm(x: &[f32]) -> f64 {
    dot(x, x).sqrt()
}

/// Largest singular value of `w` `[rows, columns]` with its left and right vectors, by power iteration from a fixed start.
pub(crate) fn largest_singular_value(w: &[f32], [rows, columns]: [usize; 2]) -> (f64, Vec<f32>, Vec<f32>) {
    // Any start that is not orthogonal to the answer will do; irregular entries are practically never.
    let mut v: Vec<f32> = (0..columns).map(|i| ((i * i + 1) as f32).sin()).collect();
    let mut u = vec![0.0; rows];
    let mut sigma = 0.0;
    for _ in 0..200 {
        let length = norm(&v).max(f64::MIN_POSITIVE) as f32;
        v.iter_mut().for_each(|v| *v /= length);
        u = w.chunks_exact(columns).map(|row| dot(row, &v) as f32).collect();
        let found = norm(&u);
        if found == 0.0 {
            return (0.0, u, v);
        }
        u.iter_mut().for_each(|u| *u /= found as f32);
        let mut next = vec![0.0f32; columns];
        for (row, &u) in w.chunks_exact(columns).zip(&u) {
            next.iter_mut().zip(row).for_each(|(next, w)| *next += u * w);
        }
        v = next;
        if (found - sigma).abs() <= 1e-7 * found {
            sigma = found;
            break;
        }
        sigma = found;
    }
    let length = norm(&v).max(f64::MIN_POSITIVE) as f32;
    v.iter_mut().for_each(|v| *v /= length);
    (sigma, u, v)
}

#[cfg(test)]
mod tests;
