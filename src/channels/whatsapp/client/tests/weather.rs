use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::server::{NUMBER, Server, Step, answer, client_of, settings};
use crate::channels::whatsapp::client::{Address, ClientSettings, Outgoing, Sent};

/// How long a call may take in these tests.
const TIMEOUT: Duration = Duration::from_millis(100);
/// What a busy machine may add.
const SLACK: Duration = Duration::from_secs(10);

/// Bytes that are an answer, nearly one, or none.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let status = prop_oneof![Just(200_u16), Just(400), Just(429), Just(500), 100_u16..600];
    let body = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        "\\PC{0,80}".prop_map(String::into_bytes),
        "[\\[\\]{}:,\"0-9a-z]{0,60}".prop_map(String::into_bytes),
        Just(br#"{"messages":[{"id":"wamid.1"}],"contacts":[{"wa_id":"1"}]}"#.to_vec()),
        Just(br#"{"error":{"code":130429,"message":"\ud83d"}}"#.to_vec()),
        Just(br#"{"url":"http://127.0.0.1:1/","sha256":5,"file_size":-1,"throughput":{},"health_status":[1]}"#.to_vec()),
    ];
    let whole = (status, body).prop_map(|(status, body)| answer(status, body));
    let broken = (whole.clone(), any::<prop::sample::Index>(), any::<u8>()).prop_map(
        |(mut bytes, at, byte)| {
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes
        },
    );
    let cut = (whole.clone(), any::<prop::sample::Index>()).prop_map(|(mut bytes, at)| {
        bytes.truncate(at.index(bytes.len()));
        bytes
    });
    prop_oneof![whole, broken, cut, prop::collection::vec(any::<u8>(), 0..300)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => bytes().prop_map(Step::HangUp),
        2 => bytes().prop_map(Step::Answer),
        1 => bytes().prop_map(Step::Stall),
        1 => Just(Step::Reset),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn whatever_a_server_does_every_call_ends_in_time(steps in prop::collection::vec(step(), 12)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            // A server that was told nothing more would hold against the client, so it is told enough for every call.
            let enough = std::iter::repeat_n(Step::Reset, 20);
            let server = Server::with(steps.clone().into_iter().chain(enough)).await;
            let client = client_of(ClientSettings {
                timeout: TIMEOUT,
                transfer_timeout: TIMEOUT * 2,
                ..settings(&server.url())
            });
            let to = Address::read("BR.1").unwrap();
            let message = Outgoing::text("olá");
            let began = Instant::now();
            let sent = server.during(client.send(NUMBER, &to, &message, "out_1")).await;
            prop_assert!(began.elapsed() < TIMEOUT + SLACK);
            if let Sent::Accepted(receipt) = &sent {
                prop_assert!(receipt.id.is_some());
            }
            server.during(client.mark_read(NUMBER, "wamid.1", true)).await;
            drop(server.during(client.check(NUMBER)).await);
            drop(server.during(client.upload(NUMBER, b"x", "text/plain", "a.txt")).await);
            if let Ok(info) = server.during(client.media_info("7")).await {
                drop(server.during(client.download(&info, 100, &mut Vec::new())).await);
            }
            prop_assert!(began.elapsed() < TIMEOUT * 14 + SLACK);
            Ok(())
        })?;
    }
}
