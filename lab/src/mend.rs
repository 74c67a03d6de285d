//! The script that `validate --fix-script` writes, run in the guest, and its undo.

/// Runs it; the verdict that counts is asked for after it.
pub const FIX: &str = "section fix\n{
  ai-how snapshot --with driver-override -o /tmp/before.snap
  ai-how validate --fix-script /tmp/fix.sh $options /plan.yaml > /dev/null
  cat /tmp/fix.sh
  sh /tmp/fix.sh || failed 'sh fix.sh'
} > /tmp/fix 2>&1
say < /tmp/fix
";

/// Takes it back: the host is to be as it was before, by all that a snapshot holds but the time and
/// what counts.
pub const UNDO: &str = "section undo
{
  sh /tmp/fix.sh.undo || failed 'sh fix.sh.undo'
  ai-how snapshot --with driver-override -o /tmp/after.snap
} > /tmp/undo 2>&1
say < /tmp/undo
state() {
  mkdir /tmp/$1
  tar xzf /tmp/$1.snap -C /tmp/$1
  cd /tmp/$1
  # How often interrupts came, how much memory is free, and the log. No undo brings back what a device is like
  # before its first driver: the kernel does not know its power state, and has waiting_for_supplier.
  rm -rf proc/interrupts proc/meminfo dev/kmsg sys/devices/system/node/node*/meminfo
  find . -name power_state -exec rm {} +
  sed -i '/^ *\"time\":/d; /\"waiting_for_supplier\"/d; s/,$//' manifest.json
  find . -type f -exec md5sum {} + > /tmp/$1.state
  find . -type l -exec stat -c %N {} + >> /tmp/$1.state
  sort -k 2 -o /tmp/$1.state /tmp/$1.state
  cd /
}
section undone
{
  state before
  state after
  if [ -s /tmp/before.state ] && cmp -s /tmp/before.state /tmp/after.state; then echo same; else
    diff /tmp/before.state /tmp/after.state | head -n 8
    diff /tmp/before/manifest.json /tmp/after/manifest.json | head -n 8
  fi
} 2>&1 | say
";
