//! An image: archives one after the other, each plain or packed by itself (`init/initramfs.c`,
//! `unpack_to_rootfs`; `lib/decompress.c` for the marks). The first is often the processor's
//! microcode, plain.

use std::io::Read;

use super::cpio::{Budget, Keep, MAGICS, Member, Refusal, read_all, read_one};

const LZ4: [u8; 4] = 0x184c_2102_u32.to_le_bytes();
/// A block of the old form of LZ4 is no larger unpacked (`lib/decompress_unlz4.c`).
const LZ4_BLOCK: usize = 8 << 20;
/// What unpacking may need beside the data (in KiB).
const MOST_MEMORY: u32 = 192 << 10;

/// The members that are wanted, in their order; the later of two with one name counts.
pub fn list(image: &[u8], keep: &dyn Fn(&str) -> Keep) -> Result<Vec<Member>, Refusal> {
    within(Budget::default(), image, keep)
}

fn within(
    mut budget: Budget,
    image: &[u8],
    keep: &dyn Fn(&str) -> Keep,
) -> Result<Vec<Member>, Refusal> {
    let mut members = Vec::new();
    let mut rest = image;
    let mut any = false;
    loop {
        let zeros = rest.iter().take_while(|&&byte| byte == 0).count();
        rest = &rest[zeros..];
        let mut all = |stream: &mut dyn Read| read_all(stream, &mut budget, keep, &mut members);
        match *rest {
            [] => return if any { Ok(members) } else { Err(Refusal::NoArchive) },
            _ if MAGICS.iter().any(|magic| rest.starts_with(magic)) => {
                read_one(&mut rest, &mut budget, keep, &mut members)?;
            }
            [0x1f, 0x8b | 0x9e, ..] => all(&mut flate2::bufread::GzDecoder::new(&mut rest))?,
            [0xfd, b'7', ..] => {
                all(&mut lzma_rust2::XzReader::new_mem_limit(&mut rest, false, MOST_MEMORY))?;
            }
            [0x28, 0xb5, ..] => {
                let broken = |_| Refusal::Broken { what: "a header of zstd" };
                all(&mut ruzstd::decoding::StreamingDecoder::new(&mut rest).map_err(broken)?)?;
            }
            [0x5d, 0, ..] => {
                // Where it ends is not told, so nothing can follow.
                let whole = std::mem::take(&mut rest);
                let broken = |_| Refusal::Broken { what: "a header of LZMA" };
                let reader = lzma_rust2::LzmaReader::new_mem_limit(whole, MOST_MEMORY, None);
                all(&mut reader.map_err(broken)?)?;
            }
            _ if rest.starts_with(&LZ4) => {
                let whole = std::mem::take(&mut rest);
                all(&mut Lz4::new(whole))?;
            }
            [b'B', b'Z', b'h', ..] => return Err(Refusal::Packed { how: "bzip2" }),
            [0x89, b'L', ..] => return Err(Refusal::Packed { how: "LZO" }),
            _ if any => return Err(Refusal::Broken { what: "something else after an archive" }),
            _ => return Err(Refusal::NoArchive),
        }
        any = true;
    }
}

/// The old form of LZ4: the mark, then blocks, each with its packed size before it. Nothing tells
/// its end.
struct Lz4<'a> {
    packed: &'a [u8],
    block: Vec<u8>,
    /// What of the block was handed out.
    given: usize,
    filled: usize,
}

impl<'a> Lz4<'a> {
    fn new(packed: &'a [u8]) -> Self {
        Self { packed, block: vec![0; LZ4_BLOCK], given: 0, filled: 0 }
    }

    /// Whether there is another block.
    fn next(&mut self) -> std::io::Result<bool> {
        use std::io::{Error, ErrorKind};
        loop {
            let Some((size, rest)) = self.packed.split_first_chunk::<4>() else { return Ok(false) };
            self.packed = rest;
            if *size == LZ4 {
                continue;
            }
            let size = u32::from_le_bytes(*size) as usize;
            if size == 0 {
                return Ok(false);
            }
            let block = rest.get(..size).ok_or(ErrorKind::UnexpectedEof)?;
            self.packed = &rest[size..];
            self.filled = lz4_flex::block::decompress_into(block, &mut self.block)
                .map_err(|_| Error::from(ErrorKind::InvalidData))?;
            self.given = 0;
            if self.filled > 0 {
                return Ok(true);
            }
        }
    }
}

impl Read for Lz4<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.given == self.filled && !self.next()? {
            return Ok(0);
        }
        let got = buffer.len().min(self.filled - self.given);
        buffer[..got].copy_from_slice(&self.block[self.given..self.given + got]);
        self.given += got;
        Ok(got)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::super::cpio::write;
    use super::*;

    fn member(name: &str, contents: &str) -> Member {
        Member { name: name.to_owned(), contents: contents.as_bytes().to_vec() }
    }

    fn sample() -> Vec<Member> {
        let long = "softdep nvidia pre: vfio-pci\n".repeat(4000);
        vec![
            member("etc/modprobe.d/vfio.conf", &long),
            member("lib/modules/6.1/nvidia.ko", "\x7fELF"),
        ]
    }

    fn all(image: &[u8]) -> Result<Vec<Member>, Refusal> {
        list(image, &|_| Keep::Contents)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(bytes).unwrap();
        packed.finish().unwrap()
    }

    fn lz4(bytes: &[u8]) -> Vec<u8> {
        let mut packed = LZ4.to_vec();
        for block in bytes.chunks(50_000) {
            let block = lz4_flex::block::compress(block);
            packed.extend_from_slice(&u32::try_from(block.len()).unwrap().to_le_bytes());
            packed.extend_from_slice(&block);
        }
        packed
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
    }

    #[test]
    fn plain_and_packed_archives_follow_each_other() {
        let early = vec![member("kernel/x86/microcode/GenuineIntel.bin", "x")];
        let more = vec![member("conf/modules", "vfio-pci\n")];
        for (pack, has_end) in [(gzip as fn(&[u8]) -> Vec<u8>, true), (zstd, true), (lz4, false)] {
            let mut image = write(&early);
            image.resize(image.len().next_multiple_of(512), 0);
            image.extend(pack(&write(&sample())));
            assert_eq!(all(&image).unwrap(), [early.clone(), sample()].concat());
            if has_end {
                image.extend([0; 8]);
                image.extend(gzip(&write(&more)));
                image.extend(write(&early));
                let expected = [early.clone(), sample(), more.clone(), early.clone()].concat();
                assert_eq!(all(&image).unwrap(), expected);
            }
        }
        let two = [write(&early), vec![0; 4], write(&sample())].concat();
        assert_eq!(all(&lz4(&two)).unwrap(), [early, sample()].concat());
    }

    #[test]
    fn what_is_no_image_is_refused() {
        for image in [&b""[..], b"\0\0\0\0", b"rubbish", b"MZ\x90", b"\xff"] {
            assert_eq!(all(image), Err(Refusal::NoArchive), "{image:?}");
        }
        assert_eq!(all(b"BZh91AY"), Err(Refusal::Packed { how: "bzip2" }));
        assert_eq!(all(b"\x89LZO\0"), Err(Refusal::Packed { how: "LZO" }));
        let good = write(&sample());
        assert!(matches!(all(&[&good[..], b"junk"].concat()), Err(Refusal::Broken { .. })));
        for packed in [good.clone(), gzip(&good), zstd(&good)] {
            assert!(all(&packed[..packed.len() / 2]).is_err());
        }
        assert!(matches!(all(&gzip(b"rubbish")), Err(Refusal::EndsTooSoon)));
    }

    #[test]
    fn lies_about_sizes_are_refused() {
        let good = write(&[member("a", "b")]);
        let with = |field: usize, digits: &str| {
            let mut bad = good.clone();
            bad[6 + field * 8..14 + field * 8].copy_from_slice(digits.as_bytes());
            all(&bad)
        };
        assert_eq!(
            with(6, "ffffffff"),
            Err(Refusal::TooLarge { limit: "16 MiB of names and settings" })
        );
        assert_eq!(with(6, "00ffffff"), Err(Refusal::EndsTooSoon));
        assert!(matches!(with(11, "ffffffff"), Err(Refusal::Broken { .. })));
        assert!(matches!(with(11, "00000000"), Err(Refusal::Broken { .. })));
        assert!(matches!(with(6, "+0000001"), Err(Refusal::Broken { .. })));
    }

    /// Small when packed, and without end when unpacked.
    #[test]
    fn a_bomb_is_given_up() {
        let zeros = vec![0; 4 << 20];
        let huge = write(&[Member { name: "a".to_owned(), contents: zeros.clone() }]);
        let between = [write(&[member("a", "")]), zeros].concat();
        for bomb in [gzip(&huge), zstd(&huge), lz4(&huge), gzip(&between), zstd(&between)] {
            assert!(bomb.len() < 1 << 18, "{}", bomb.len());
            let budget = Budget { bytes: 1 << 20, ..Budget::default() };
            let refused = within(budget, &bomb, &|_| Keep::Name);
            assert_eq!(refused, Err(Refusal::TooLarge { limit: "1 GiB unpacked" }));
        }
        let many = write(&[member("a", ""), member("b", ""), member("c", "")]);
        let budget = Budget { members: 2, ..Budget::default() };
        let refused = within(budget, &many, &|_| Keep::Nothing);
        assert_eq!(refused, Err(Refusal::TooLarge { limit: "200,000 members" }));
    }

    proptest! {
        #[test]
        fn nothing_that_is_read_ends_the_program(bytes in prop::collection::vec(any::<u8>(), 0..400), kind in 0..7_usize) {
            let magic: &[u8] = [&b"070701"[..], &[0x1f, 0x8b], &[0xfd, b'7', b'z', b'X', b'Z', 0], &[0x28, 0xb5, 0x2f, 0xfd], &[0x5d, 0, 0], &LZ4, b""][kind];
            let _ = all(&[magic, &bytes].concat());
        }

        #[test]
        fn a_changed_image_is_read_or_refused(at in any::<prop::sample::Index>(), byte in any::<u8>(), kind in 0..4_usize) {
            let good = write(&sample());
            let mut image = match kind { 0 => good, 1 => gzip(&good), 2 => zstd(&good), _ => lz4(&good) };
            let at = at.index(image.len());
            image[at] = byte;
            let _ = all(&image);
        }
    }
}
