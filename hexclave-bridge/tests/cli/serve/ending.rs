//! The service is told to end, while it has something to do.

use hexclave_testkit::hexclave::Fault;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{client, service::Service};
use crate::{hexclave, normal_user};

const MANY: usize = 30;

/// A client that sees each byte.
struct Caller(TcpStream);

impl Caller {
    async fn to(service: &Service) -> Self {
        Self(TcpStream::connect(service.address()).await.expect("a connection"))
    }

    async fn say(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.expect("sent");
    }

    /// The head of an answer that has come in full.
    async fn hear(&mut self) -> String {
        let mut bytes = Vec::new();
        let head = loop {
            let mut next = [0];
            let read = self.0.read(&mut next).await.expect("an answer");
            assert_eq!(read, 1, "no answer but {:?}", String::from_utf8_lossy(&bytes));
            bytes.extend(next);
            if bytes.ends_with(b"\r\n\r\n") {
                break String::from_utf8(bytes).expect("UTF-8");
            }
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let length = length.expect("a length").parse().expect("a number");
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await.expect("the whole answer");
        head
    }
}

fn verify(token: &str) -> String {
    format!("GET /verify HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n")
}

async fn wait_for_requests(service: &Service, count: usize) {
    let client = client();
    // The one that asks for the metrics is counted, too.
    let in_flight = format!("hexclave_bridge_requests_in_flight {}\n", count + 1);
    loop {
        let metrics = client
            .get(service.url("/metrics"))
            .send()
            .await
            .expect("an answer");
        if metrics.text().await.expect("text").contains(&in_flight) {
            break;
        }
    }
}

#[tokio::test]
async fn whoever_could_ask_is_answered_before_the_end() {
    let hexclave = hexclave().await;
    let (token, _) = normal_user(&hexclave).await;
    let request = verify(&token);
    hexclave.inject(Fault::hang());
    let service = Service::of(&hexclave, |command| {
        command.args(["--shutdown-timeout", "600", "--request-timeout", "600"]);
    })
    .await;

    let mut under_way = Vec::new();
    for _ in 0..MANY {
        let mut caller = Caller::to(&service).await;
        caller.say(&request).await;
        under_way.push(caller);
    }
    wait_for_requests(&service, MANY).await;
    let (mut begun, mut silent, mut resting) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..MANY {
        let mut caller = Caller::to(&service).await;
        caller.say("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").await;
        caller.hear().await;
        resting.push(caller);
        let mut caller = Caller::to(&service).await;
        caller.say(request.split_at(20).0).await;
        begun.push(caller);
        silent.push(Caller::to(&service).await);
    }
    // All of these ask before the service is told to end, and before it can have seen that.
    service.signal("STOP");
    for caller in resting.iter_mut().chain(&mut silent) {
        caller.say(&request).await;
    }
    for caller in &mut begun {
        caller.say(request.split_at(20).1).await;
    }
    let mut waiting = Vec::new();
    for _ in 0..MANY {
        let mut caller = Caller::to(&service).await;
        caller.say(&request).await;
        waiting.push(caller);
    }
    service.terminate();
    service.signal("CONT");
    while TcpStream::connect(service.address()).await.is_ok() {}
    hexclave.heal();
    for mut caller in [under_way, resting, begun, silent, waiting].into_iter().flatten() {
        let answer = caller.hear().await;
        // 503 where the keys had not come within five seconds.
        let is_answer = ["HTTP/1.1 200", "HTTP/1.1 503"]
            .iter()
            .any(|status| answer.starts_with(status));
        assert!(is_answer && answer.contains("connection: close"), "{answer}");
    }
    let (status, log) = service.ended().await;
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(!log.contains("before all requests"), "{log}");
}

#[tokio::test]
async fn the_end_is_not_put_off_for_ever() {
    let hexclave = hexclave().await;
    let (token, _) = normal_user(&hexclave).await;
    hexclave.inject(Fault::hang());
    let start = async |shutdown_timeout: &str| {
        let service = Service::of(&hexclave, |command| {
            command.args(["--shutdown-timeout", shutdown_timeout]);
        })
        .await;
        let mut caller = Caller::to(&service).await;
        caller.say(&verify(&token)).await;
        wait_for_requests(&service, 1).await;
        (service, caller)
    };

    let (service, _caller) = start("1").await;
    let (status, log) = service.stop().await;
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("ended before all requests were answered"), "{log}");

    let (service, _caller) = start("600").await;
    service.terminate();
    while TcpStream::connect(service.address()).await.is_ok() {}
    let (status, log) = service.stop().await;
    assert_eq!(status.code(), Some(130), "{log}");
    assert!(log.contains("told to end twice"), "{log}");
}
