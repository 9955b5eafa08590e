//! As much of PostgreSQL's protocol as one simple query needs.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// Version 3.0 of the protocol.
const PROTOCOL: u32 = 196_608;
/// The longest message that is read.
const MAX_MESSAGE: usize = 1 << 20;

/// The rows of a query, with a null as an empty text.
pub(crate) async fn rows(address: SocketAddr, sql: &str) -> io::Result<Vec<Vec<String>>> {
    let mut stream = BufReader::new(TcpStream::connect(address).await?);
    let mut startup = PROTOCOL.to_be_bytes().to_vec();
    startup.extend_from_slice(b"user\0postgres\0database\0postgres\0\0");
    stream.write_all(&framed(None, &startup)?).await?;
    while read(&mut stream).await?.0 != b'Z' {}
    let mut query = sql.as_bytes().to_vec();
    query.push(0);
    stream.write_all(&framed(Some(b'Q'), &query)?).await?;
    let mut rows = Vec::new();
    loop {
        match read(&mut stream).await? {
            (b'D', body) => rows.push(columns(&body)?),
            (b'Z', _) => return Ok(rows),
            _ => {}
        }
    }
}

/// A message with its type, if it has one, and its length, which counts itself.
fn framed(kind: Option<u8>, body: &[u8]) -> io::Result<Vec<u8>> {
    let length = u32::try_from(body.len() + 4).map_err(io::Error::other)?;
    let mut message = Vec::from_iter(kind);
    message.extend_from_slice(&length.to_be_bytes());
    message.extend_from_slice(body);
    Ok(message)
}

/// The next message. An error of the server's, or a wish for a password, is an error.
async fn read(stream: &mut BufReader<TcpStream>) -> io::Result<(u8, Vec<u8>)> {
    let kind = stream.read_u8().await?;
    let length = stream.read_u32().await? as usize;
    let length = length.checked_sub(4).filter(|it| *it <= MAX_MESSAGE);
    let mut body = vec![0; length.ok_or(io::ErrorKind::InvalidData)?];
    stream.read_exact(&mut body).await?;
    match kind {
        b'E' => Err(io::Error::other("the server answered with an error")),
        b'R' if body != [0; 4] => Err(io::Error::other("the server wants a password")),
        _ => Ok((kind, body)),
    }
}

fn columns(body: &[u8]) -> io::Result<Vec<String>> {
    let mut rest = body.get(2..).ok_or(io::ErrorKind::InvalidData)?;
    let mut columns = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk() {
        let length = i32::from_be_bytes(*length).max(0) as usize;
        let (column, after) = after
            .split_at_checked(length)
            .ok_or(io::ErrorKind::InvalidData)?;
        columns.push(String::from_utf8_lossy(column).into_owned());
        rest = after;
    }
    Ok(columns)
}
