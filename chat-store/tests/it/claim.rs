//! The claim of a presence server on its database.

use chat_store::testing;

use crate::open;

#[cfg(feature = "mysql")]
#[tokio::test]
#[cfg_attr(windows, ignore = "needs a MySQL server, which the tests start on Unix only")]
async fn one_server_at_a_time_claims_a_mysql_database() {
    let (first, second) = (testing::mysql().await, testing::mysql().await);
    let (one, other) = (open(&first).await, open(&first).await);
    let claim = one.claim().await.unwrap();
    assert!(claim.is_some());
    assert!(other.claim().await.unwrap().is_none());
    assert!(open(&second).await.claim().await.unwrap().is_some(), "each database has its own claim");
    drop(claim);
    // The database server notices the end of the connection a moment later.
    for _ in 0..200 {
        if other.claim().await.unwrap().is_some() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the claim ends when it is dropped");
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn one_server_at_a_time_claims_an_sqlite_database() {
    let (first, second) = (testing::sqlite(), testing::sqlite());
    let (one, other) = (open(&first).await, open(&first).await);
    let claim = one.claim().await.unwrap();
    assert!(claim.is_some());
    assert!(other.claim().await.unwrap().is_none());
    assert!(open(&second).await.claim().await.unwrap().is_some(), "each database has its own claim");
    drop(claim);
    assert!(other.claim().await.unwrap().is_some());
}
