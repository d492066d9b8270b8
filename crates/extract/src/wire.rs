//! As much of the encoding of protocol buffers as it takes to see how large a message is before it is read:
//! <https://protobuf.dev/programming-guides/encoding/>

use anyhow::{Context, bail, ensure};

/// The fields of a message, one after the other: their numbers and what they hold.
pub(crate) struct Fields<'a>(pub &'a [u8]);

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// A number of 4 or 8 bytes, of which nothing here needs any.
    Fixed,
}

impl<'a> Iterator for Fields<'a> {
    type Item = anyhow::Result<(u64, Value<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        (!self.0.is_empty()).then(|| self.field().inspect_err(|_| self.0 = &[]))
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> anyhow::Result<(u64, Value<'a>)> {
        let tag = self.varint()?;
        let value = match tag & 7 {
            0 => Value::Number(self.varint()?),
            1 => self.take(8).map(|_| Value::Fixed)?,
            2 => {
                let length = usize::try_from(self.varint()?)?;
                Value::Bytes(self.take(length)?)
            }
            5 => self.take(4).map(|_| Value::Fixed)?,
            kind => bail!("a field of kind {kind}"),
        };
        Ok((tag >> 3, value))
    }

    fn take(&mut self, length: usize) -> anyhow::Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length).context("a field is longer than its message")?;
        self.0 = rest;
        Ok(taken)
    }

    fn varint(&mut self) -> anyhow::Result<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let &[byte] = self.take(1)? else { break };
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        bail!("a number does not end")
    }
}

/// A number as it is written.
pub(crate) fn varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// Which fields of a message are messages, and what is in those.
pub(crate) enum Schema {
    Leaf,
    Message(&'static [(u64, Schema)]),
}

/// Counts the fields of a message and of those within it; an error where there are more than `limit`.
pub(crate) fn count_fields(message: &[u8], schema: &Schema, limit: usize) -> anyhow::Result<usize> {
    let within = match schema {
        Schema::Leaf => &[][..],
        Schema::Message(within) => within,
    };
    let mut count = 0;
    for field in Fields(message) {
        let (number, value) = field?;
        count += 1;
        ensure!(count <= limit, "a block has more fields than any writer makes");
        let schema = within.iter().find(|(field, _)| *field == number);
        if let (Some((_, schema)), Value::Bytes(message)) = (schema, value) {
            count += count_fields(message, schema, limit - count)?;
        }
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_one_after_the_other() {
        let mut message = vec![0x08];
        varint(&mut message, u64::MAX);
        message.extend([0x12, 2, b'a', b'b', 0x1d, 1, 2, 3, 4, 0x21, 1, 2, 3, 4, 5, 6, 7, 8]);
        let fields: Vec<_> = Fields(&message).map(Result::unwrap).collect();
        let expected =
            [(1, Value::Number(u64::MAX)), (2, Value::Bytes(b"ab")), (3, Value::Fixed), (4, Value::Fixed)];
        assert_eq!(fields, expected);
    }

    #[test]
    fn a_message_that_is_cut_off_is_an_error_and_an_end() {
        for bytes in
            [&[0x12, 2, b'a'][..], &[0x80], &[0x08, 0xff], &[0x1d, 1], &[0x0b], &[0x08; 1], &[0xff; 11]]
        {
            let fields: Vec<_> = Fields(bytes).collect();
            assert!(fields.len() == 1 && fields[0].is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn fields_within_fields_count() {
        const INNER: Schema = Schema::Message(&[(1, Schema::Leaf)]);
        let message = [0x0a, 4, 0x08, 1, 0x08, 2, 0x12, 2, 0x08, 1];
        assert_eq!(count_fields(&message, &Schema::Leaf, 9).unwrap(), 2);
        assert_eq!(count_fields(&message, &INNER, 9).unwrap(), 4);
        assert_eq!(count_fields(&message, &INNER, 4).unwrap(), 4);
        assert!(count_fields(&message, &INNER, 3).is_err());
    }
}
