use super::*;

#[test]
fn counters_are_added_and_begin_anew() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, energy: u64| {
        let package = folder.path().join(name);
        fs::create_dir_all(&package).unwrap();
        fs::write(package.join("energy_uj"), format!("{energy}\n")).unwrap();
        fs::write(package.join("max_energy_range_uj"), "1000\n").unwrap();
    };
    assert!(Counters::open_in(folder.path()).err().unwrap().to_string().contains("no energy counters"));
    write("intel-rapl:0", 10);
    write("intel-rapl:1", 900);
    write("intel-rapl:0:0", 5);
    let counters = Counters::open_in(folder.path()).unwrap();
    let mut before = counters.read().unwrap();
    before.sort_unstable();
    assert_eq!(before, [10, 900]);
    let before = counters.read().unwrap();
    write("intel-rapl:0", 30);
    write("intel-rapl:1", 100);
    assert_eq!(counters.since(&before).unwrap(), 20 + 200);
    fs::write(folder.path().join("intel-rapl:0/energy_uj"), "many").unwrap();
    assert!(counters.read().is_err());
}
