//! Who is let in: as many connections as leave files for the database, each for as long as something moves on it.
//!
//! The server's own time-outs end where a request was answered: of HTTP/2, and of an answer that nobody takes, it would wait for ever.

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum_server::{AddrListener, Address};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

/// How many connections may wait to be let in. A crowd that comes back after an outage comes in one second; whom there is no room for tries again a
/// second later and then two. The system allows as many as it allows.
const WAITING: u32 = 4096;

/// How many open files are kept for the database, the log, and what is read now and then.
const RESERVED: usize = 64;

/// For how long nothing may move on a connection. It is longer than a request may take, as nothing moves while it is answered.
pub(super) const STILL: Duration = Duration::from_secs(25);

/// How long, and how many bytes, of what was sent is still taken once all is answered: a body that is too long is refused before it is read, and
/// a system that closes on bytes that nobody took throws the answer away with them.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 8 << 20;

/// How many are let in where so many files may be open.
fn most(files: Option<u64>) -> usize {
    let files = files.and_then(|files| usize::try_from(files).ok()).unwrap_or(usize::MAX);
    files.saturating_sub(RESERVED).max(files / 2).clamp(1, Semaphore::MAX_PERMITS)
}

/// Whose wrong guesses are counted as one's: whoever has an IPv6 address has the whole network of it, of 64 bits.
pub(super) fn neighbours(of: IpAddr) -> IpAddr {
    match of.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        address => address,
    }
}

/// Where a connection comes from.
#[derive(Clone, Debug)]
pub(super) struct Peer(SocketAddr);

impl Connected<Peer> for SocketAddr {
    fn connect_info(peer: Peer) -> SocketAddr {
        peer.0
    }
}

impl Address for Peer {
    type Stream = Wire;
    type Listener = Gate;
}

/// A listener that lets in no more than there is room for; the others wait.
#[derive(Debug)]
pub(super) struct Gate {
    listener: TcpListener,
    room: Arc<Semaphore>,
}

impl Gate {
    /// Listens, for as many as these open files leave room for.
    pub(super) fn open(at: SocketAddr, files: Option<u64>) -> io::Result<Gate> {
        let socket = if at.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // Elsewhere it would let another program listen there too.
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        socket.bind(at)?;
        Ok(Gate { listener: socket.listen(WAITING)?, room: Arc::new(Semaphore::new(most(files))) })
    }

    /// Where it listens.
    pub(super) fn at(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl AddrListener<Wire, Peer> for Gate {
    async fn bind_to(peer: Peer) -> io::Result<Gate> {
        Gate::open(peer.0, None)
    }

    async fn accept_stream(&self) -> io::Result<(Wire, Peer)> {
        let room = self.room.clone().acquire_owned().await.map_err(io::Error::other)?;
        let (stream, from) = self.listener.accept().await?;
        let (reading, writing) = (Patience::default(), Patience::default());
        Ok((Wire { stream, reading, writing, lingers: None, _room: room }, Peer(from)))
    }

    fn get_local_addr(&self) -> io::Result<Peer> {
        self.at().map(Peer)
    }
}

/// Waits no longer than [`STILL`] for the other side.
#[derive(Debug, Default)]
struct Patience {
    /// Since when nothing moves, while it is waited for something.
    since: Option<Instant>,
    /// Who wakes the connection then, or earlier; none until it was waited at all.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    /// Nothing is waited for.
    fn ends(&mut self) {
        self.since = None;
    }

    /// Something else moved meanwhile.
    fn begins_anew(&mut self) {
        if let Some(since) = &mut self.since {
            *since = Instant::now();
        }
    }

    /// What there is while nothing moves: an error at its end.
    fn run<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        let begins = self.since.is_none();
        let end = *self.since.get_or_insert_with(Instant::now) + STILL;
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(end)));
        if begins {
            alarm.as_mut().reset(end);
        }
        loop {
            ready!(alarm.as_mut().poll(context));
            if Instant::now() >= end {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            alarm.as_mut().reset(end);
        }
    }
}

/// A connection, and its place.
#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
    reading: Patience,
    writing: Patience,
    /// Since all was answered: until when, and how many more bytes.
    lingers: Option<(Pin<Box<Sleep>>, usize)>,
    _room: OwnedSemaphorePermit,
}

impl Wire {
    fn written<T>(&mut self, context: &mut Context<'_>, done: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if done.is_pending() {
            return self.writing.run(context);
        }
        // Who takes an answer need not speak meanwhile.
        self.writing.ends();
        self.reading.begins_anew();
        done
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.stream).poll_read(context, into);
        if done.is_pending() {
            return self.reading.run(context);
        }
        self.reading.ends();
        done
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(context, done)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.written(context, done)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let wire = &mut *self;
        if wire.lingers.is_none() {
            ready!(Pin::new(&mut wire.stream).poll_shutdown(context))?;
        }
        let (end, left) = wire.lingers.get_or_insert_with(|| (Box::pin(sleep(LINGER)), LINGER_BYTES));
        let mut bytes = [0; 4096];
        loop {
            let mut into = ReadBuf::new(&mut bytes);
            match Pin::new(&mut wire.stream).poll_read(context, &mut into) {
                Poll::Pending => return end.as_mut().poll(context).map(Ok),
                Poll::Ready(Ok(())) if !into.filled().is_empty() && into.filled().len() <= *left => {
                    *left -= into.filled().len();
                }
                Poll::Ready(_) => return Poll::Ready(Ok(())),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_files_are_kept_and_somebody_is_always_let_in() {
        for (files, let_in) in [(20_000, 19_936), (1024, 960), (128, 64), (100, 50), (64, 32), (1, 1), (0, 1)] {
            assert_eq!(most(Some(files)), let_in);
        }
        assert_eq!(most(None), Semaphore::MAX_PERMITS);
    }

    #[test]
    fn guesses_are_counted_by_what_one_person_has() {
        for (address, counted) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:1:3::1", "2001:db8:1:3::"),
            ("::1", "::"),
        ] {
            assert_eq!(neighbours(address.parse().unwrap()), counted.parse::<IpAddr>().unwrap());
        }
    }
}
