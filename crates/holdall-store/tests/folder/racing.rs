//! Many processes at once.

use crate::Case;
use crate::ground::{Ground, Ran, head_note, keys, read, run};
use crate::worker::{prepare_replaced, race};
use std::sync::atomic::{AtomicBool, Ordering};

pub(crate) const CASES: &[Case] = &[
    ("racing::of_all_who_create_a_key_one_wins", one_wins),
    ("racing::one_wins_also_while_locks_are_removed", one_wins_without_locks),
    ("racing::no_update_of_a_counter_is_lost", no_lost_update),
    ("racing::no_put_fails_while_folders_come_and_go", folders_come_and_go),
    ("racing::a_name_may_be_file_and_folder_at_once", levels),
    ("racing::readers_see_the_old_or_the_new_whole", replaced),
    ("racing::readers_see_all_or_nothing_of_what_is_deleted", replaced_and_deleted),
    ("racing::leftovers_of_the_dead_are_in_nobodys_way", leftovers),
];

const PROCESSES: usize = 16;

fn rounds(short: usize) -> usize {
    if crate::is_long() { short * 20 } else { short }
}

/// Asserts that every key has one winner, whose bytes and metadata it has.
fn demand_one_winner(ground: &Ground, rounds: usize, said: &[String]) {
    let winners = |round: usize| -> Vec<usize> {
        let won = |said: &String| said.split(' ').any(|word| word == round.to_string());
        (0..said.len()).filter(|number| won(&said[*number])).collect()
    };
    run(async {
        let store = ground.store();
        for round in 0..rounds {
            let key = if round % 3 == 0 { format!("new//{round}") } else { format!("new/{round}") };
            let winners = winners(round);
            assert_eq!(winners.len(), 1, "{key} was won by {winners:?}");
            let winner = winners[0].to_string();
            assert_eq!(read(&store, &key).await.unwrap(), winner.as_bytes(), "{key}");
            assert_eq!(head_note(&store, &key).await, Some(winner), "{key}");
        }
        assert_eq!(keys(&store, "").await.len(), rounds);
    });
}

fn one_wins() -> Ran {
    let ground = Ground::new();
    let rounds = rounds(60);
    let said = race(PROCESSES, "create", &ground.root(), rounds);
    demand_one_winner(&ground, rounds, &said);
    Ok(())
}

/// Locks decide between conditions; that a key is made once does not hang on them.
fn one_wins_without_locks() -> Ran {
    let ground = Ground::new();
    let rounds = rounds(40);
    let stop = AtomicBool::new(false);
    let said = std::thread::scope(|scope| {
        let removing = scope.spawn(|| {
            let mut removed = 0_usize;
            while !stop.load(Ordering::Relaxed) {
                removed += remove_locks(&ground);
                std::thread::yield_now();
            }
            removed
        });
        let said = race(PROCESSES, "create", &ground.root(), rounds);
        stop.store(true, Ordering::Relaxed);
        assert!(removing.join().unwrap() > 10, "hardly a lock was removed");
        said
    });
    demand_one_winner(&ground, rounds, &said);
    Ok(())
}

fn remove_locks(ground: &Ground) -> usize {
    let Ok(locks) = std::fs::read_dir(ground.path(".holdall/lock")) else { return 0 };
    locks.filter(|lock| lock.as_ref().is_ok_and(|lock| std::fs::remove_file(lock.path()).is_ok())).count()
}

fn no_lost_update() -> Ran {
    let ground = Ground::new();
    let rounds = rounds(15);
    run(async { ground.store().put("counter", "0").await.unwrap() });
    race(PROCESSES, "count", &ground.root(), rounds);
    assert!(remove_locks(&ground) > 0);
    race(PROCESSES, "count", &ground.root(), rounds);
    let counted = run(read(&ground.store(), "counter")).unwrap();
    assert_eq!(String::from_utf8(counted).unwrap(), (2 * PROCESSES * rounds).to_string());
    Ok(())
}

fn folders_come_and_go() -> Ran {
    for fsync in ["data", "none"] {
        let ground = Ground::new();
        let rounds = rounds(if fsync == "data" { 10 } else { 60 });
        race(PROCESSES, &format!("folders {fsync}"), &ground.root(), rounds);
        assert_eq!(run(keys(&ground.store(), "")), Vec::<String>::new());
        assert!(!ground.path("a").exists(), "empty folders stay behind");
    }
    Ok(())
}

fn levels() -> Ran {
    let ground = Ground::new();
    race(PROCESSES, "levels", &ground.root(), rounds(120));
    run(async {
        let store = ground.store();
        let below = keys(&store, "a/b/c/d/").await;
        assert_eq!(below.len(), PROCESSES);
        for key in keys(&store, "").await {
            read(&store, &key).await.unwrap();
            store.delete(&key).await.unwrap();
        }
        assert_eq!(keys(&store, "").await, Vec::<String>::new(), "something was hidden behind another");
    });
    Ok(())
}

fn replaced() -> Ran {
    let ground = Ground::new();
    run(async { prepare_replaced(&ground.store()).await });
    race(PROCESSES, "replace", &ground.root(), rounds(60));
    demand_tidy(&ground, 3);
    Ok(())
}

fn replaced_and_deleted() -> Ran {
    let ground = Ground::new();
    run(async { prepare_replaced(&ground.store()).await });
    race(PROCESSES, "replace and delete", &ground.root(), rounds(60));
    demand_tidy(&ground, 3);
    Ok(())
}

/// Asserts that nothing is kept of what is no more.
fn demand_tidy(ground: &Ground, at_most: usize) {
    let tmp = std::fs::read_dir(ground.path(".holdall/tmp")).map_or(0, Iterator::count);
    assert_eq!(tmp, 0, "temporary files are left behind");
    let meta = std::fs::read_dir(ground.path(".holdall/meta")).unwrap();
    let kept: usize = meta.map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap().count()).sum();
    assert!(kept <= at_most, "{kept} records are kept");
}

fn leftovers() -> Ran {
    let ground = Ground::new();
    ground.write(".holdall/tmp/0123456789abcdef", "left by one who died");
    ground.write(".holdall/tmp/folder/file", "no name of ours");
    ground.write(".holdall/meta/00/stale-1-2", "of nothing");
    ground.write(".holdall/odd/what is this", "no name of ours");
    ground.write(".holdall/odd/dnew/x-unknown", "no name of ours");
    let rounds = rounds(10);
    let said = race(PROCESSES, "create", &ground.root(), rounds);
    demand_one_winner(&ground, rounds, &said);
    assert!(ground.path(".holdall/tmp/0123456789abcdef").exists(), "it may be somebody's who lives");
    Ok(())
}
