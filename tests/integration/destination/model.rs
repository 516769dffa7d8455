//! The folder against the model in memory: whatever is done in whatever order, both hold the same.

use super::*;
use crate::support::memory::Memory;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Store {
        name: usize,
        filling: u8,
        length: usize,
    },
    Link {
        from: usize,
        to: usize,
    },
    Remove {
        name: usize,
    },
    /// A process is killed while it makes this file.
    Kill {
        name: usize,
    },
    Adopt {
        filling: u8,
    },
    Abandon,
    Scrub,
}

fn names() -> Vec<Name> {
    vec![slot(0), slot(9), slot(23), newest(), monday(), bak()]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let name = 0..names().len();
    let step = prop_oneof![
        4 => (name.clone(), any::<u8>(), 0_usize..20_000)
            .prop_map(|(name, filling, length)| Step::Store { name, filling, length }),
        4 => (name.clone(), name.clone()).prop_map(|(from, to)| Step::Link { from, to }),
        1 => name.clone().prop_map(|name| Step::Remove { name }),
        2 => name.prop_map(|name| Step::Kill { name }),
        1 => any::<u8>().prop_map(|filling| Step::Adopt { filling }),
        1 => Just(Step::Abandon),
        1 => Just(Step::Scrub),
    ];
    prop::collection::vec(step, 1..30)
}

/// Does `step`; `write` is another program that writes below the destination. Tells what came of it.
fn perform(
    destination: &dyn Destination,
    step: &Step,
    write: &dyn Fn(&Path, &[u8]),
) -> Result<String, String> {
    let names = names();
    let done = match step {
        Step::Store { name, filling, length } => {
            store(destination, &names[*name], &vec![*filling; *length]).map(|()| String::new())
        }
        Step::Link { from, to } => {
            destination.link(&names[*from], &names[*to]).map(|linked| format!("{linked:?}"))
        }
        Step::Remove { name } => destination.remove(&names[*name]).map(|()| String::new()),
        Step::Kill { name } => destination.stage(&names[*name]).map(|mut staged| {
            staged.write_all(b"half").unwrap();
            std::mem::forget(staged);
            String::new()
        }),
        Step::Adopt { filling } => destination.expect(&bak()).and_then(|_| {
            write(&bak().partial(), &[*filling; 3_000]);
            destination.adopt(&bak())?.publish().map(|()| String::new())
        }),
        Step::Abandon => destination.abandon(&bak()).map(|()| String::new()),
        Step::Scrub => destination.scrub().map(|removed| {
            let mut removed: Vec<_> =
                removed.iter().map(|path| path.file_name().unwrap().to_owned()).collect();
            removed.sort();
            format!("{removed:?}")
        }),
    };
    done.map_err(|problem| problem.code.to_string())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_folder_does_what_the_model_does(steps in steps()) {
        // In memory where there is a disk of it: thousands of syncs prove nothing more here.
        let shared = Path::new("/dev/shm");
        let make = || if shared.is_dir() { tempfile::tempdir_in(shared) } else { tempfile::tempdir() };
        let (parent, state) = (make().unwrap(), make().unwrap());
        let root = parent.path().join("Backup");
        let mut on_disk = folder(Kind::Terminal, &root, state.path());
        let in_memory = Memory::new(Kind::Terminal);
        on_disk.claim(&identity()).unwrap();
        in_memory.claim(&identity()).unwrap();
        for step in &steps {
            let done = perform(&on_disk, step, &|path, bytes| fs::write(root.join(path), bytes).unwrap());
            let expected = perform(&in_memory, step, &|path, bytes| in_memory.write_foreign(path, bytes));
            prop_assert_eq!(&done, &expected, "{:?}", step);
            for name in names() {
                prop_assert!(content(&on_disk, &name) == content(&in_memory, &name), "{} after {:?}", name, step);
            }
            let files = files_below(&root);
            prop_assert_eq!(&files, &in_memory.raw(), "after {:?}", step);
            if matches!(step, Step::Kill { .. }) {
                // The next process knows what this one recorded.
                on_disk = folder(Kind::Terminal, &root, state.path());
                on_disk.check(&identity()).unwrap();
            }
            if matches!(step, Step::Scrub) {
                prop_assert!(!files.iter().any(|path| is_partial(path)));
            }
        }
    }
}
