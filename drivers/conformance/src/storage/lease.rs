//! Leases.

use super::bench::{Bench, some_time};
use rtmx_core::{Result, Timestamp, assert_code, storage};
use rtmx_storage::{Lease, LeaseCall, LeaseRequest};
use std::time::Duration;

const TTL: Duration = Duration::from_secs(30);

/// The time so many seconds after the case began.
fn after(seconds: i64) -> Timestamp {
    Timestamp::from_second(some_time().as_second() + seconds).expect("the times of these cases are in range")
}

async fn ask(bench: &Bench, holder: &str, call: LeaseCall, now: Timestamp) -> Result<Lease> {
    let request = LeaseRequest { name: "migrate".into(), holder: holder.into(), call, ttl: TTL, now };
    bench.db().lease(&bench.cx, &request).await
}

pub(super) async fn one_holder(bench: Bench) {
    let lease = ask(&bench, "ann", LeaseCall::Acquire, after(0)).await.expect("it is free");
    assert_eq!((lease.name.as_str(), lease.holder.as_str(), lease.expires_at), ("migrate", "ann", after(30)));
    let refusal = ask(&bench, "bob", LeaseCall::Acquire, after(29)).await.expect_err("it is held");
    let context = refusal.context().to_vec();
    assert_eq!(context, [("holder", "ann".to_owned()), ("expires_at", after(30).to_string())]);
    assert_code(refusal, storage::LEASE_HELD);
    assert_code(
        ask(&bench, "bob", LeaseCall::Renew, after(1)).await.expect_err("never his"),
        storage::LEASE_HELD,
    );
    ask(&bench, "bob", LeaseCall::Release, after(1)).await.expect("giving back what one has not is no error");
    let again = ask(&bench, "ann", LeaseCall::Acquire, after(10)).await.expect("it is her own");
    assert_eq!((again.holder.as_str(), again.fence, again.expires_at), ("ann", lease.fence, after(40)));
    let other = LeaseRequest {
        name: "backup".into(),
        holder: "bob".into(),
        call: LeaseCall::Acquire,
        ttl: TTL,
        now: after(1),
    };
    bench.db().lease(&bench.cx, &other).await.expect("another lease is free");
}

pub(super) async fn ends_by_itself(bench: Bench) {
    ask(&bench, "ann", LeaseCall::Acquire, after(0)).await.expect("it is free");
    let renewed = ask(&bench, "ann", LeaseCall::Renew, after(20)).await.expect("it is hers");
    assert_eq!(renewed.expires_at, after(50));
    assert_code(
        ask(&bench, "bob", LeaseCall::Acquire, after(49)).await.expect_err("held"),
        storage::LEASE_HELD,
    );
    let taken = ask(&bench, "bob", LeaseCall::Acquire, after(50)).await.expect("it has ended");
    assert_eq!((taken.holder.as_str(), taken.expires_at), ("bob", after(80)));
    assert_code(
        ask(&bench, "ann", LeaseCall::Renew, after(51)).await.expect_err("lost"),
        storage::LEASE_HELD,
    );
    ask(&bench, "ann", LeaseCall::Release, after(52)).await.expect("it was lost, which is no error");
    assert_code(
        ask(&bench, "ann", LeaseCall::Acquire, after(53)).await.expect_err("his"),
        storage::LEASE_HELD,
    );
}

pub(super) async fn fence_grows(bench: Bench) {
    let first = ask(&bench, "ann", LeaseCall::Acquire, after(0)).await.expect("it is free").fence;
    assert!(first > 0, "no fence is zero");
    assert_eq!(ask(&bench, "ann", LeaseCall::Renew, after(1)).await.expect("hers").fence, first);
    let given_back = ask(&bench, "ann", LeaseCall::Release, after(2)).await.expect("hers");
    assert_eq!(given_back.holder, "");
    assert_eq!(ask(&bench, "bob", LeaseCall::Acquire, after(3)).await.expect("free").fence, first + 1);
    assert_eq!(ask(&bench, "ann", LeaseCall::Acquire, after(33)).await.expect("ended").fence, first + 2);
}

pub(super) async fn race_has_one_winner(bench: Bench) {
    let asking = (0..8).map(|n| {
        let (db, cx) = (bench.share(), bench.cx.clone());
        let request = LeaseRequest {
            name: "backup".into(),
            holder: format!("holder {n}"),
            call: LeaseCall::Acquire,
            ttl: TTL,
            now: after(0),
        };
        tokio::spawn(async move { db.lease(&cx, &request).await })
    });
    let mut winners = 0;
    for answer in asking.collect::<Vec<_>>() {
        match answer.await.expect("no panic") {
            Ok(_) => winners += 1,
            Err(refusal) => assert_code(refusal, storage::LEASE_HELD),
        }
    }
    assert_eq!(winners, 1);
}
