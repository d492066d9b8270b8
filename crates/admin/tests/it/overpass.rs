use std::process::Command;

use crate::World;

async fn overpass(world: &World, what: &str) -> String {
    let url = world.database.url();
    let ended = Command::new(env!("CARGO_BIN_EXE_wildside-admin"))
        .args(["overpass", what, "--database-url", &url])
        .env_remove("OVERPASS_REQUESTS_PER_DAY")
        .env("OVERPASS_MIB_PER_DAY", "64")
        .output()
        .unwrap();
    let said = String::from_utf8(ended.stdout).unwrap();
    assert!(ended.status.success(), "{said}{}", String::from_utf8_lossy(&ended.stderr));
    said
}

#[tokio::test]
async fn an_operator_sees_a_pause_and_ends_it() {
    let world = World::new().await;
    let said = overpass(&world, "show").await;
    assert!(said.contains("queries    0 of 1000\n") && said.contains("pause      none\n"), "{said}");
    world
        .sql(
            "UPDATE overpass SET requests = 7, bytes = 3145728, failures = 4, paused_until = '2343-11-20';
             INSERT INTO overpass_turns (day, until) SELECT day, now() + interval '1 minute' FROM overpass",
        )
        .await;
    let said = overpass(&world, "show").await;
    for line in ["queries    7 of 1000", "answers    3.0 of 64 MiB", "under way  1", "failures   4 in a row"]
    {
        assert!(said.lines().any(|one| one == line), "{line} is not in\n{said}");
    }
    assert!(said.contains("pause      86400 s, until "), "nobody waits until 2343:\n{said}");
    let said = overpass(&world, "resume").await;
    assert!(said.starts_with("A pause of 86400 more seconds has ended."), "{said}");
    let said = overpass(&world, "show").await;
    assert!(said.contains("pause      none\n") && said.contains("failures   0 in a row\n"), "{said}");
    assert!(overpass(&world, "resume").await.starts_with("There was no pause."));
}
