//! Everything that fuzzing kept, once more, with the compiler and the machine at hand.

use std::path::Path;

use chat_core::sim::fuzz::TARGETS;

#[test]
fn what_fuzzing_kept_still_breaks_nothing() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    for (name, target) in TARGETS {
        let folder = corpora.join(name);
        let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut count = 0;
        for file in files {
            let path = file.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            let run = std::panic::catch_unwind(|| target(&bytes));
            assert!(run.is_ok(), "{} breaks a promise", path.display());
            count += 1;
        }
        assert!(count > 0, "there is no corpus for {name}");
    }
}
