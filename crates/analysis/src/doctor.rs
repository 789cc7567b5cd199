//! What this machine is, as far as it decides how fast models run and train, and what is slow about it.

use std::fs::read_to_string;

use bitspike::kernels::Kernels;
use bitspike::kernels::measure::{Measurements, measure};
use serde::Serialize;

use crate::timing::{processor, processors};

/// A machine as the engine finds it.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    /// The processor's name.
    pub processor: String,
    /// Architecture and operating system.
    pub platform: String,
    /// Whether it is a guest of another machine, as far as the processor says.
    pub is_virtual: bool,
    /// Kernels that run here, best last.
    pub kernels: Vec<&'static str>,
    /// Cores and threads.
    pub cores: Cores,
    /// Memory in bytes.
    pub memory: Memory,
    /// Caches of one core, from the nearest.
    pub caches: Vec<Cache>,
    /// Where models are computed: bitspike has no other device than this.
    pub devices: Vec<String>,
    /// Rates of the best kernels, where they were measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measured: Option<Measurements>,
    /// What makes work slow here, or its times uncertain, a sentence each.
    pub advice: Vec<String>,
}

/// Cores and threads.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Cores {
    /// Threads that the machine runs at once.
    pub logical: usize,
    /// Cores that these share, where the system says so.
    pub physical: Option<usize>,
    /// Threads that this process may use: its affinity and its group's quota.
    pub usable: usize,
    /// Threads that ran or waited in the last minute, of everybody.
    pub load: Option<f64>,
}

/// Memory in bytes.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Memory {
    /// Of the machine.
    pub total: Option<u64>,
    /// That is free or can be freed.
    pub available: Option<u64>,
    /// That this process's group may use, where it is limited.
    pub limit: Option<u64>,
}

/// A cache.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cache {
    /// 1, 2, 3.
    pub level: u32,
    /// `Data`, `Instruction` or `Unified`.
    pub kind: String,
    /// Its size.
    pub bytes: u64,
}

/// Memory below which training of the smallest encoder does not fit: weights, moments, gradients and a batch.
const TRAINING: u64 = 3 << 30;

impl Machine {
    /// Looks at this machine; `rates` measures its kernels too, which takes a second.
    pub fn look(rates: bool) -> Self {
        let best = Kernels::detect();
        let usable = std::thread::available_parallelism().map_or(1, usize::from);
        let listed = processors();
        let logical = listed.lines().filter(|line| line.starts_with("processor")).count().max(usable);
        let average = read_to_string("/proc/loadavg").unwrap_or_default();
        let load = average.split(' ').next().and_then(|load| load.parse().ok());
        let mut machine = Self {
            processor: processor(&listed),
            platform: format!("{} {}", std::env::consts::ARCH, std::env::consts::OS),
            is_virtual: has_flag(&listed, "hypervisor"),
            kernels: Kernels::available().into_iter().map(Kernels::name).collect(),
            cores: Cores { logical, physical: physical(&listed), usable, load },
            memory: memory(&read_to_string("/proc/meminfo").unwrap_or_default()),
            caches: caches(),
            devices: vec![format!("cpu ({best})")],
            measured: rates.then(|| measure(best)),
            advice: Vec::new(),
        };
        machine.advice = machine.advise(best, &|name| std::env::var(name).ok());
        machine
    }

    /// What is slow here, given the environment.
    fn advise(&self, best: Kernels, variable: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
        let mut advice = Vec::new();
        let Cores { logical, physical, usable, load } = self.cores;
        match best {
            Kernels::Scalar => advice.push(
                "no vector instructions are used: products of counts are tens of times slower than with AVX2 or NEON".to_owned(),
            ),
            Kernels::Avx2 => advice.push(
                "the processor has no byte products (VNNI): products of counts take about three times as long as where it has".to_owned(),
            ),
            _ => (),
        }
        if usable < logical {
            advice.push(format!(
                "this process may use {usable} of {logical} threads (affinity, or the quota of its group); --threads beyond that slow it down"
            ));
        }
        if let Some(physical) = physical.filter(|&physical| physical < logical) {
            advice.push(format!(
                "{logical} threads share {physical} cores: products gain little from the second thread of a core"
            ));
        }
        if let Some(load) = load.filter(|&load| load > 0.5 * usable as f64) {
            advice.push(format!(
                "others keep it busy (load {load:.1} on {usable} threads): times measured now say little"
            ));
        }
        if self.is_virtual {
            advice.push(
                "it is a virtual machine, whose neighbours may slow it down: compare times within one run alone"
                    .to_owned(),
            );
        }
        for name in ["RAYON_NUM_THREADS", "OMP_NUM_THREADS"] {
            let set = variable(name).and_then(|value| value.trim().parse::<usize>().ok());
            if let Some(set) = set.filter(|&set| set != 0 && set != usable) {
                let who = if name == "RAYON_NUM_THREADS" { "bitspike computes" } else { "the Python package computes" };
                advice.push(format!("{name}={set}: {who} with {set} threads where {usable} could be used"));
            }
        }
        let Memory { available, limit, .. } = self.memory;
        let free = [available, limit].into_iter().flatten().min();
        if let Some(free) = free.filter(|&free| free < TRAINING) {
            advice.push(format!(
                "{:.1} GB of memory are left: enough to run models, too little to train one of 6 layers and width 384",
                free as f64 / 1e9
            ));
        }
        advice
    }
}

/// Whether the processor's list has the flag `name`.
fn has_flag(listed: &str, name: &str) -> bool {
    let flags = listed.lines().find_map(|line| line.strip_prefix("flags")?.split_once(':'));
    flags.is_some_and(|(_, flags)| flags.split_whitespace().any(|flag| flag == name))
}

/// Cores by their places, each of which may run several threads.
fn physical(listed: &str) -> Option<usize> {
    let of = |line: &str, key: &str| Some(line.strip_prefix(key)?.split_once(':')?.1.trim().to_owned());
    let mut places: Vec<(String, String)> = Vec::new();
    let mut package = String::new();
    for line in listed.lines() {
        if let Some(value) = of(line, "physical id") {
            package = value;
        } else if let Some(core) = of(line, "core id") {
            places.push((package.clone(), core));
        }
    }
    places.sort_unstable();
    places.dedup();
    (!places.is_empty()).then_some(places.len())
}

/// What `/proc/meminfo` and the group of this process say.
fn memory(listed: &str) -> Memory {
    let of = |name: &str| {
        let line = listed.lines().find_map(|line| line.strip_prefix(name))?;
        Some(line.trim_start_matches(':').split_whitespace().next()?.parse::<u64>().ok()? * 1024)
    };
    let limit = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
    let limit = limit.iter().find_map(|path| read_to_string(path).ok()?.trim().parse::<u64>().ok());
    let total = of("MemTotal");
    // Without a limit the older interface says a number beyond any memory.
    let limit = limit.filter(|&limit| total.is_none_or(|total| limit < total));
    Memory { total, available: of("MemAvailable"), limit }
}

/// Caches of the first core.
fn caches() -> Vec<Cache> {
    let cache = |index: usize| {
        let folder = format!("/sys/devices/system/cpu/cpu0/cache/index{index}");
        let read = |name: &str| Some(read_to_string(format!("{folder}/{name}")).ok()?.trim().to_owned());
        Some(Cache { level: read("level")?.parse().ok()?, kind: read("type")?, bytes: size(&read("size")?)? })
    };
    (0..8).map_while(cache).collect()
}

/// Bytes of `32K` or `4M`.
fn size(text: &str) -> Option<u64> {
    let (number, unit) = match text.strip_suffix('K') {
        Some(number) => (number, 1 << 10),
        None => match text.strip_suffix('M') {
            Some(number) => (number, 1 << 20),
            None => (text, 1),
        },
    };
    Some(number.parse::<u64>().ok()? * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTED: &str = "processor\t: 0\nphysical id\t: 0\ncore id\t\t: 0\nflags\t\t: fpu avx2 hypervisor\n\n\
                          processor\t: 1\nphysical id\t: 0\ncore id\t\t: 0\nflags\t\t: fpu avx2 hypervisor\n";

    #[test]
    fn lists_of_the_system_are_read() {
        assert_eq!(physical(LISTED), Some(1));
        assert!(has_flag(LISTED, "hypervisor") && !has_flag(LISTED, "avx512f"));
        assert_eq!(physical(""), None);
        let memory = memory("MemTotal:       24576000 kB\nMemFree: 1 kB\nMemAvailable:   1000 kB\n");
        assert_eq!((memory.total, memory.available), (Some(24_576_000 * 1024), Some(1_024_000)));
        assert_eq!(["32K", "4M", "7", "x"].map(size), [Some(32 << 10), Some(4 << 20), Some(7), None]);
    }

    #[test]
    fn what_is_slow_is_said_and_nothing_else() {
        let quiet = Machine {
            processor: "one".into(),
            platform: "x86_64 linux".into(),
            is_virtual: false,
            kernels: vec!["scalar", "avx512"],
            cores: Cores { logical: 8, physical: Some(8), usable: 8, load: Some(0.2) },
            memory: Memory { total: Some(64 << 30), available: Some(60 << 30), limit: None },
            caches: Vec::new(),
            devices: Vec::new(),
            measured: None,
            advice: Vec::new(),
        };
        let nothing = |_: &str| None;
        assert!(quiet.advise(Kernels::Avx512, &nothing).is_empty());
        let busy = Machine {
            is_virtual: true,
            cores: Cores { logical: 8, physical: Some(4), usable: 2, load: Some(6.0) },
            memory: Memory { available: Some(60 << 30), limit: Some(1 << 30), total: Some(64 << 30) },
            ..quiet
        };
        let one = |name: &str| (name == "RAYON_NUM_THREADS").then(|| "1".to_owned());
        let advice = busy.advise(Kernels::Avx2, &one).join("\n");
        for word in ["VNNI", "2 of 8 threads", "share 4 cores", "load 6.0", "virtual", "RAYON_NUM_THREADS=1", "1.1 GB"]
        {
            assert!(advice.contains(word), "{word}: {advice}");
        }
    }

    #[test]
    fn this_machine_has_kernels_and_a_core() {
        let machine = Machine::look(false);
        assert!(machine.kernels.contains(&"scalar") && machine.cores.usable >= 1 && !machine.processor.is_empty());
    }
}
