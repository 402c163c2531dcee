//! One presence server per database.

use std::time::Duration;

use chat_store::Claim;
use chat_store::testing;

use crate::open;

#[tokio::test]
async fn one_server_at_a_time_has_a_mysql_database() {
    let (first, second) = (testing::mysql().await, testing::mysql().await);
    let (one, other) = (open(&first).await, open(&first).await);
    let claim = one.claim().await.unwrap();
    assert!(matches!(claim, Claim::Ours(_)), "{claim:?}");
    let refused = other.claim().await.unwrap();
    assert!(matches!(refused, Claim::Others), "{refused:?}");
    let elsewhere = open(&second).await.claim().await.unwrap();
    assert!(matches!(elsewhere, Claim::Ours(_)), "another database is another claim: {elsewhere:?}");
    drop(claim);
    // The server hears of it a moment later.
    for _ in 0..200 {
        if let Claim::Ours(_guard) = other.claim().await.unwrap() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("a claim must end with its guard");
}

#[tokio::test]
async fn one_server_at_a_time_has_an_sqlite_database() {
    let (first, second) = (testing::sqlite(), testing::sqlite());
    let (one, other) = (open(&first).await, open(&first).await);
    let claim = one.claim().await.unwrap();
    assert!(matches!(claim, Claim::Ours(_)), "{claim:?}");
    assert!(matches!(other.claim().await.unwrap(), Claim::Others));
    assert!(matches!(open(&second).await.claim().await.unwrap(), Claim::Ours(_)), "another database is another claim");
    drop(claim);
    assert!(matches!(other.claim().await.unwrap(), Claim::Ours(_)));
}
