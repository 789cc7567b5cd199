use std::io::Write;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let model = bitspike::Model::load(&a[1]).unwrap();
    let opset = if a[3] == "25" { bitspike_export::Opset::V25 } else { bitspike_export::Opset::V21 };
    let t = std::time::Instant::now();
    let bytes = bitspike_export::Export::new(
        &model,
        "x",
        match std::env::var("T").as_deref() {
            Ok("gguf") => bitspike_export::Target::Gguf,
            Ok("ov") => bitspike_export::Target::OpenVino,
            Ok("fast") => bitspike_export::Target::Onnx { opset, fast: true },
            _ => bitspike_export::Target::Onnx { opset, fast: false },
        },
    )
    .unwrap()
    .files
    .remove(0)
    .1;
    eprintln!("{} bytes {:?}", bytes.len(), t.elapsed());
    std::fs::write(&a[2], bytes).unwrap();
    if let Some(out) = a.get(4) {
        let n: usize = a[5].parse().unwrap();
        let text = std::fs::read_to_string(&a[6]).unwrap();
        let mut f = std::io::BufWriter::new(std::fs::File::create(out).unwrap());
        let enc: Vec<_> = text
            .lines()
            .skip(1)
            .take(n)
            .map(|l| {
                let c: Vec<&str> = l.split('\t').collect();
                if model.task().is_pair() { model.encode((c[c.len() - 3], c[c.len() - 2])) } else { model.encode(c[0]) }
            })
            .collect();
        for e in &enc {
            let run = &model.simulate_ids(std::slice::from_ref(e), true).unwrap()[0];
            let l = e.ids.len();
            f.write_all(&(l as u32).to_le_bytes()).unwrap();
            for i in &e.ids {
                f.write_all(&i.to_le_bytes()).unwrap();
            }
            for i in &e.type_ids {
                f.write_all(&i.to_le_bytes()).unwrap();
            }
            for x in &run.logits {
                f.write_all(&x.to_le_bytes()).unwrap();
            }
            for s in &run.sums {
                for &x in s {
                    f.write_all(&[(x as i8) as u8]).unwrap();
                }
            }
        }
    }
}
