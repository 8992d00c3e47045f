//! Writing JSON text. Strings are escaped in one way only, so equal strings are equal bytes.

/// What follows the backslash for a byte that must be escaped; 0 for the others, `u` for those without a short form.
const ESCAPES: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte] = b'u';
        byte += 1;
    }
    table[0x08] = b'b';
    table[0x09] = b't';
    table[0x0a] = b'n';
    table[0x0c] = b'f';
    table[0x0d] = b'r';
    table[b'"' as usize] = b'"';
    table[b'\\' as usize] = b'\\';
    table
};

/// Writes `value` as a JSON string.
#[inline]
pub(crate) fn write_string(out: &mut Vec<u8>, value: &str) {
    out.push(b'"');
    write_escaped(out, value);
    out.push(b'"');
}

/// Writes `value` as the inside of a JSON string.
#[inline]
pub(crate) fn write_escaped(out: &mut Vec<u8>, value: &str) {
    let bytes = value.as_bytes();
    match bytes.iter().position(|&byte| ESCAPES[usize::from(byte)] != 0) {
        None => out.extend_from_slice(bytes),
        Some(first) => write_with_escapes(out, bytes, first),
    }
}

#[cold]
fn write_with_escapes(out: &mut Vec<u8>, bytes: &[u8], first: usize) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.extend_from_slice(&bytes[..first]);
    for &byte in &bytes[first..] {
        match ESCAPES[usize::from(byte)] {
            0 => out.push(byte),
            b'u' => out.extend_from_slice(&[
                b'\\',
                b'u',
                b'0',
                b'0',
                HEX[usize::from(byte >> 4)],
                HEX[usize::from(byte & 15)],
            ]),
            short => out.extend_from_slice(&[b'\\', short]),
        }
    }
}

/// Writes a number in decimal digits.
#[inline]
pub(crate) fn write_integer<I: itoa::Integer>(out: &mut Vec<u8>, value: I) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Writes one reference token, given as the inside of a JSON string, into a pointer that is itself inside a JSON string.
/// Escapes of strings never contain `~` or `/`, so the two kinds of escaping do not meet.
pub(crate) fn write_token(out: &mut Vec<u8>, escaped: &[u8]) {
    out.push(b'/');
    if !escaped.iter().any(|&byte| byte == b'~' || byte == b'/') {
        return out.extend_from_slice(escaped);
    }
    for &byte in escaped {
        match byte {
            b'~' => out.extend_from_slice(b"~0"),
            b'/' => out.extend_from_slice(b"~1"),
            _ => out.push(byte),
        }
    }
}
