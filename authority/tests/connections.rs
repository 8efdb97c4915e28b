//! A crowd of connections that say little or nothing, to the real program in a process of its own: nobody else is kept out, memory stays bounded, they
//! are closed, and everything is given back. What the process holds is read from /proc.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/program.rs"]
mod program;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use program::Program;
use reprieve::client::Client;
use reprieve::terms::Access;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tempfile::TempDir;

/// How long the server waits for the head of a request, for all of it, and while nothing moves.
const HEAD: Duration = Duration::from_secs(10);
const BODY: Duration = Duration::from_secs(20);
const STILL: Duration = Duration::from_secs(25);

/// What a machine that is busy with other tests may take longer.
const SLACK: Duration = Duration::from_secs(15);

/// How long a good client may wait among the crowd.
const GOOD: Duration = Duration::from_secs(5);

/// The files of the test's process beside the connections: threads, a ledger, pipes.
const SPARE: u64 = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Says nothing.
    Silent,
    /// A head that goes on for ever.
    Head,
    /// A body that goes on for ever.
    Body,
    /// Asks once, and then says nothing.
    Asked,
    /// Speaks HTTP/2, asks once, and then says nothing.
    Asked2,
}

impl Kind {
    const ALL: [Kind; 5] = [Kind::Silent, Kind::Head, Kind::Body, Kind::Asked, Kind::Asked2];

    fn begins(self) -> Vec<u8> {
        match self {
            Kind::Silent => Vec::new(),
            Kind::Head => b"POST /v1/renew HTTP/1.1\r\nHost: x\r\nX-More: ".to_vec(),
            Kind::Body => b"POST /v1/renew HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n{".to_vec(),
            Kind::Asked => b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
            Kind::Asked2 => {
                // The preface, SETTINGS with nothing in it, and GET / on stream 1 (RFC 9113, RFC 7541: indexed fields 2, 6, 4, and :authority by name 1).
                let fields = [0x82, 0x86, 0x84, 0x01, 0x01, b'x'];
                let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
                bytes.extend([0, 0, 0, 4, 0, 0, 0, 0, 0]);
                bytes.extend([0, 0, fields.len() as u8, 1, 0x05, 0, 0, 0, 1]);
                bytes.extend(fields);
                bytes
            }
        }
    }

    fn drips(self) -> bool {
        matches!(self, Kind::Head | Kind::Body)
    }

    fn ends(self) -> Duration {
        match self {
            Kind::Silent | Kind::Head => HEAD,
            Kind::Body => BODY,
            // From the answer on, which came at once.
            Kind::Asked => HEAD,
            Kind::Asked2 => STILL,
        }
    }
}

struct One {
    kind: Kind,
    stream: TcpStream,
    begun: Instant,
    ended: Option<Duration>,
}

/// One in so many is not silent.
fn kind_of(number: usize) -> Kind {
    match number % 20 {
        0 => Kind::Head,
        1 => Kind::Body,
        2 => Kind::Asked,
        3 => Kind::Asked2,
        _ => Kind::Silent,
    }
}

fn crowd(address: SocketAddr, many: usize) -> Vec<One> {
    let open = |number: usize| {
        let (kind, mut stream) = (kind_of(number), TcpStream::connect(address).unwrap());
        stream.write_all(&kind.begins()).unwrap();
        stream.set_nonblocking(true).unwrap();
        One { kind, stream, begun: Instant::now(), ended: None }
    };
    std::thread::scope(|scope| {
        let parts = [0, 1, 2, 3].map(|part| {
            let open = &open;
            scope.spawn(move || (part..many).step_by(4).map(open).collect::<Vec<_>>())
        });
        parts.into_iter().flat_map(|part| part.join().unwrap()).collect()
    })
}

/// Drips into those that drip and reads what comes, until all are closed; says which were still open by the time.
fn watch(mut crowd: Vec<One>, until: Instant, stop: &AtomicBool) -> Vec<One> {
    let mut dripped = Instant::now();
    while Instant::now() < until && !stop.load(Ordering::Relaxed) {
        let open: Vec<usize> = (0..crowd.len()).filter(|&at| crowd[at].ended.is_none()).collect();
        if open.is_empty() {
            break;
        }
        let ready: Vec<usize> = {
            let mut asked: Vec<PollFd<'_>> =
                open.iter().map(|&at| PollFd::new(&crowd[at].stream, PollFlags::IN)).collect();
            poll(&mut asked, Some(&Timespec { tv_sec: 0, tv_nsec: 200_000_000 })).unwrap();
            open.iter().zip(&asked).filter(|(_, asked)| !asked.revents().is_empty()).map(|(&at, _)| at).collect()
        };
        for at in ready {
            let one = &mut crowd[at];
            let gone = match one.stream.read(&mut [0; 4096]) {
                Ok(read) => read == 0,
                Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
            };
            if gone {
                one.ended = Some(one.begun.elapsed());
            }
        }
        if dripped.elapsed() > Duration::from_millis(700) {
            dripped = Instant::now();
            for one in crowd.iter_mut().filter(|one| one.kind.drips() && one.ended.is_none()) {
                // Where it is closed, reading tells.
                let _ = one.stream.write(b" ");
            }
        }
    }
    crowd
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(60))).build().new_agent()
}

fn renew(server: &Program, client: &Client, code: Option<&str>) -> Duration {
    renew_by(&agent(), server, client, code)
}

fn renew_by(agent: &ureq::Agent, server: &Program, client: &Client, code: Option<&str>) -> Duration {
    let begun = Instant::now();
    let mut ask = agent.post(format!("http://{}/v1/renew", server.address)).header("Content-Type", "application/json");
    if let Some(code) = code {
        ask = ask.header("Authorization", format!("Bearer {code}"));
    }
    let answer = ask.send(&client.request().unwrap().body[..]).unwrap().body_mut().read_to_vec().unwrap();
    for one in client.renew(&answer).unwrap() {
        assert!(one.accepted, "{one:?}");
    }
    begun.elapsed()
}

/// Why so many connections cannot be had here.
fn lacking(many: usize) -> Option<String> {
    let hard = rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum.unwrap_or(u64::MAX);
    if hard < many as u64 + SPARE {
        return Some(format!("the hard limit of open files is {hard}"));
    }
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap();
    let ports: Vec<usize> = range.split_whitespace().map(|port| port.parse().unwrap()).collect();
    (ports[1] - ports[0] < many + 1000).then(|| format!("the ports of this machine are {} to {}", ports[0], ports[1]))
}

#[test]
fn ten_thousand_connections_that_idle_keep_nobody_out_and_are_closed() {
    const MANY: usize = 10_000;
    if let Some(why) = lacking(MANY) {
        println!("not run: {MANY} connections at once: {why}");
        return;
    }
    reprieve_authority::http::raise_limits();
    let mut server = Program::serve("127.0.0.1:0", None);
    let code = server.licence("L1");
    let machine = TempDir::new().unwrap();
    let client = server.product(machine.path());
    // What it holds when it has served somebody: the connections to its database stay.
    renew(&server, &client, Some(&code));
    let (files, memory, ticks) = (server.files(), server.memory(), server.ticks());
    let begun = Instant::now();
    let crowd = crowd(server.address, MANY);
    let opened = begun.elapsed();
    let stop = AtomicBool::new(false);
    let crowd = std::thread::scope(|scope| {
        let watched = scope.spawn(|| watch(crowd, begun + opened + STILL + SLACK, &stop));
        let waited = renew(&server, &client, None);
        let (held, grown) = (server.files() - files, server.memory().saturating_sub(memory));
        println!(
            "{MANY} connections opened in {opened:.1?}; with {held} files more the server has {grown} KiB more; a renewal among them took {waited:.1?}"
        );
        // A connection to its database may have been closed meanwhile.
        assert!(held + 30 > MANY, "the server held {held} at once: the others were closed before");
        assert!(waited < GOOD, "{waited:?}");
        assert!(grown < 32 * MANY as u64, "{grown} KiB more");
        watched.join().unwrap()
    });
    let mut told = Vec::new();
    for kind in Kind::ALL {
        let of_kind = || crowd.iter().filter(move |one| one.kind == kind);
        assert!(of_kind().count() >= MANY / 20);
        let open = of_kind().filter(|one| one.ended.is_none()).count();
        let ended = of_kind().filter_map(|one| one.ended).max().unwrap_or_default();
        told.push(format!("{kind:?} {}: {open} still open, the last closed after {ended:.1?}", of_kind().count()));
    }
    println!("{}", told.join("; "));
    for one in &crowd {
        let ended = one.ended.unwrap_or_else(|| panic!("{:?} is still open", one.kind));
        assert!(ended < one.kind.ends() + opened + SLACK, "{:?} was closed after {ended:?}", one.kind);
    }
    drop(crowd);
    let spent = server.ticks() - ticks;
    let settled = Instant::now();
    while server.files() > files && settled.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(server.files() <= files, "{} files were open before, {} are now", files, server.files());
    assert!(server.lives());
    let waited = renew(&server, &client, None);
    println!(
        "afterwards {} files and {} KiB; {spent} hundredths of a second of the processor",
        server.files(),
        server.memory()
    );
    assert!(waited < GOOD, "{waited:?}");
    assert_eq!(client.check("cad", "core").access, Access::Full);
}

#[test]
fn a_server_without_files_left_neither_dies_nor_spins_and_serves_again() {
    const FILES: u64 = 120;
    reprieve_authority::http::raise_limits();
    let mut server = Program::serve("127.0.0.1:0", Some(FILES));
    let code = server.licence("L1");
    let machine = TempDir::new().unwrap();
    let client = server.product(machine.path());
    let regular = agent();
    let livez = regular.get(format!("http://{}/livez", server.address)).call().unwrap().body_mut().read_to_string();
    assert!(livez.is_ok());
    // Twice as many as it lets in, so that half of them wait.
    let begun = Instant::now();
    let crowd = crowd(server.address, FILES as usize);
    std::thread::sleep(Duration::from_secs(1));
    // Who was let in before is served: the database has what it needs.
    let inside = renew_by(&regular, &server, &client, Some(&code));
    let (held, ticks) = (server.files(), server.ticks());
    std::thread::sleep(Duration::from_secs(3));
    let spent = server.ticks() - ticks;
    assert!(held < FILES as usize, "{held} files, and none is left for the database");
    // All who came before are given up first, in two rounds.
    let waited = renew(&server, &client, None);
    println!(
        "with {FILES} files at most and {} connections it holds {held}, and uses {spent} hundredths of a second in 3 s; a renewal behind them took {waited:.1?}, one on a connection from before {inside:.1?}",
        crowd.len()
    );
    assert!(inside < GOOD, "{inside:?}");
    assert!(spent < 60, "{spent} hundredths of a second while nobody is served");
    assert!(server.lives());
    drop(crowd);
    assert!(begun.elapsed() < STILL + HEAD + SLACK);
    while server.files() > FILES as usize / 2 && begun.elapsed() < Duration::from_secs(120) {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(renew(&server, &client, None) < GOOD);
}

#[test]
fn an_answer_that_nobody_takes_is_given_up() {
    let server = Program::serve("127.0.0.1:0", None);
    let before = server.files();
    let mut stream = TcpStream::connect(server.address).unwrap();
    // So many that no buffer of the system's holds their answers.
    let begun = Instant::now();
    stream.set_write_timeout(Some(Duration::from_secs(3))).unwrap();
    let ask = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(1000);
    let mut sent = 0;
    while sent < 2_000_000 && stream.write_all(&ask).is_ok() {
        sent += 1000;
    }
    assert!(sent < 2_000_000, "everything that was asked was answered into nobody's hands");
    assert!(server.files() > before);
    while server.files() > before && begun.elapsed() < STILL + SLACK + Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(100));
    }
    println!("an answer that nobody took was given up after {:.1?}", begun.elapsed());
    assert!(server.files() <= before, "{} files were open before, {} are now", before, server.files());
}

#[test]
fn who_sends_too_much_is_told_so() {
    let server = Program::serve("127.0.0.1:0", None);
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    for _ in 0..50 {
        let ask = agent.post(format!("http://{}/v1/renew", server.address));
        let answer = ask.send(&vec![b' '; 2 << 20][..]).expect("the answer is not lost with the rest of the body");
        assert_eq!(answer.status(), 413);
    }
}

#[test]
fn an_authority_is_reached_by_both_kinds_of_address() {
    for (listen, reached) in
        [("127.0.0.1:0", "127.0.0.1"), ("[::1]:0", "::1"), ("[::]:0", "127.0.0.1"), ("[::]:0", "::1")]
    {
        let free = match listen.starts_with('[') {
            true => std::net::TcpListener::bind("[::1]:0").map(drop),
            false => Ok(()),
        };
        if let Err(error) = free {
            println!("not run: an authority at {listen}: this machine has no IPv6: {error}");
            continue;
        }
        let mut server = Program::serve(listen, None);
        let code = server.licence("L1");
        server.address.set_ip(reached.parse().unwrap());
        let machine = TempDir::new().unwrap();
        let client = server.product(machine.path());
        renew(&server, &client, Some(&code));
        assert_eq!(client.check("cad", "core").access, Access::Full, "{listen} by {reached}");
    }
}
