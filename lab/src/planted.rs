//! What is personal in a guest. Each is planted in every guest that has a place for it, and none may be
//! in the guest's snapshot.

pub const HOST: &str = "dunja-workstation";
pub const MACHINE_ID: &str = "6f0e7ad1c2b94e58a3d7f1c09b8e4a26";
/// Of the machine (SMBIOS) and of the disk.
pub const SERIAL: &str = "DUNJA4711";
pub const UUID: &str = "3b1c9e52-7f04-4d8a-9c61-d2e85f7a0b43";
pub const MAC: &str = "52:54:00:9d:c3:17";
/// In the scenario with a default route.
pub const IP: &str = "10.0.2.15";
/// The name under which a program that holds a device runs.
pub const PROGRAM: &str = "dunja-program";
/// For the kernel's command line; what has a dot is left to modules.
pub const WORD: &str = "rd.luks.key=/dunja-secret";

/// As they would stand in a file, also in the forms of the kernel: small, without dashes, an address
/// as a number.
pub const SEARCHED: &[&str] = &[
    "dunja",
    MACHINE_ID,
    UUID,
    "3b1c9e527f044d8a9c61d2e85f7a0b43",
    MAC,
    "5254009dc317",
    IP,
    "0F02000A",
];

/// Plants what the machine does not bring along, and fails where it did not arrive: what is not
/// there would not be found either.
pub fn script() -> String {
    format!(
        "hostname {HOST}\n\
         echo {HOST} > /etc/hostname\n\
         echo {MACHINE_ID} > /etc/machine-id\n\
         ln -s oracle /bin/{PROGRAM}\n\
         [ \"$(hostname)\" = {HOST} ] || failed 'the host name was not planted'\n\
         grep -q {WORD} /proc/cmdline || failed 'the word on the command line was not planted'\n\
         serial=/sys/class/dmi/id/product_serial\n\
         [ ! -e $serial ] || grep -q {SERIAL} $serial || failed 'the serial number was not planted'\n"
    )
}

/// Looks for all of it in the snapshot, in the names of its members and in what they hold.
pub const SEARCH: &str = r"section personal
{
  { tar tzf /tmp/host.snap && gunzip -c < /tmp/host.snap; } > /tmp/unpacked
  grep -q ai-how/snapshot/1 /tmp/unpacked || echo 'no snapshot to search'
  grep -oiF -f /planted /tmp/unpacked | sort -u
  echo end
} 2>&1 | say
";
