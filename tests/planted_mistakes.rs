//! One mistake in a good cluster file is one finding, at its place.

#![allow(clippy::unwrap_used, reason = "tests end where something is wrong")]

mod common;

use common::run_on;

const GOOD: &str = r#"version: "1.0"
clusters:
  hpc:
    network: {subnet: "192.168.100.0/24", bridge: "virbr100"}
    compute_nodes:
      - name: "gpu-node-01"
        cpu_cores: 8
        memory_gb: 32
        disk_gb: 200
        ip: "192.168.100.11"
        pcie_passthrough:
          enabled: true
          devices:
            - pci_address: "0000:01:00.0"
              device_type: "gpu"
              vendor_id: "10de"
              device_id: "2684"
            - pci_address: "0000:01:00.1"
              device_type: "audio"
      - name: "gpu-node-02"
        cpu_cores: 8
        memory_gb: 32
        disk_gb: 200
        ip: "192.168.100.12"
        pcie_passthrough:
          enabled: true
          devices:
            - pci_address: "0000:02:00.0"
              device_type: "storage"
  cloud:
    worker_nodes:
      count: 2
      cpu_cores: 2
      memory_gb: 4
      disk_gb: 50
      ip: DHCP
"#;

/// Name, what is replaced (once) by what, and the finding: code, severity, line, column.
type Case = (&'static str, &'static str, &'static str, &'static str);

#[rustfmt::skip]
const CASES: &[Case] = &[
    ("indentation too shallow", "        cpu_cores: 8\n        memory_gb: 32\n        disk_gb: 200\n        ip: \"192.168.100.11\"", "       cpu_cores: 8\n        memory_gb: 32\n        disk_gb: 200\n        ip: \"192.168.100.11\"", "AH001 error 7:8"),
    ("indentation too deep", "        disk_gb: 200\n        ip: \"192.168.100.11\"", "          disk_gb: 200\n        ip: \"192.168.100.11\"", "AH001 error 9:18"),
    ("an open quote", "\"192.168.100.12\"\n", "\"192.168.100.12\n", "AH001 error 24:13"),
    ("an open bracket", "{subnet: \"192.168.100.0/24\", bridge: \"virbr100\"}", "{subnet: \"192.168.100.0/24\", bridge: \"virbr100\"", "AH001 error 4:14"),
    ("no colon", "cpu_cores: 2\n", "cpu_cores 2\n", "AH001 error 33:7"),
    ("two documents", "  cloud:\n", "---\ncloud:\n", "AH001 error 30:1"),
    ("a key of a device misspelt", "device_id: \"2684\"", "devise_id: \"2684\"", "AH004 error 17:15"),
    ("a required key of a device misspelt", "device_type: \"audio\"", "devicetype: \"audio\"", "AH004 error 19:15"),
    ("a key of the passthrough misspelt", "enabled: true\n          devices:\n            - pci_address: \"0000:01:00.0\"", "enable: true\n          devices:\n            - pci_address: \"0000:01:00.0\"", "AH004 error 12:11"),
    ("a required key of a VM misspelt", "memory_gb: 32", "memory_bg: 32", "AH004 error 8:9"),
    ("an unknown key of a VM", "disk_gb: 200\n", "disk_gb: 200\n        colour: red\n", "AH004 error 10:9"),
    ("the passthrough misspelt", "pcie_passthrough:", "pcie_passthru:", "AH004 error 11:9"),
    ("an unknown key of a cluster", "    compute_nodes:\n", "    colour: red\n    compute_nodes:\n", "AH004 warning 5:5"),
    ("a network's key misspelt", "bridge:", "brigde:", "AH004 error 4:43"),
    ("a cluster misspelt", "  cloud:\n", "  clout:\n", "AH004 warning 30:3"),
    ("a key twice", "        memory_gb: 32\n", "        memory_gb: 32\n        memory_gb: 64\n", "AH002 error 9:9"),
    ("a device's key twice", "device_type: \"gpu\"\n", "device_type: \"gpu\"\n              device_type: \"gpu\"\n", "AH002 error 16:15"),
    ("device 20", "\"0000:01:00.0\"", "\"0000:01:20.0\"", "AH005 error 14:28"),
    ("function 8", "\"0000:01:00.1\"", "\"0000:01:00.8\"", "AH005 error 18:28"),
    ("no domain", "\"0000:01:00.0\"", "\"01:00.0\"", "AH005 error 14:28"),
    ("no function", "\"0000:01:00.0\"", "\"0000:01:00\"", "AH005 error 14:28"),
    ("a decimal bus", "\"0000:01:00.0\"", "\"0000:129:00.0\"", "AH005 error 14:28"),
    ("an address that YAML 1.1 counted", "\"0000:01:00.0\"", "60.0", "AH005 error 14:28"),
    ("an empty address", "\"0000:01:00.0\"", "\"\"", "AH005 error 14:28"),
    ("no device type", "            - pci_address: \"0000:01:00.1\"\n              device_type: \"audio\"\n", "            - pci_address: \"0000:01:00.1\"\n", "AH003 error 18:15"),
    ("no address", "            - pci_address: \"0000:01:00.1\"\n              device_type: \"audio\"\n", "            - device_type: \"audio\"\n", "AH003 error 18:15"),
    ("an empty device", "            - pci_address: \"0000:01:00.1\"\n              device_type: \"audio\"\n", "            -\n", "AH003 error 18:14"),
    ("an unknown device type", "\"audio\"", "\"sound\"", "AH003 error 19:28"),
    ("an id with 0x", "\"10de\"", "\"0x10de\"", "AH003 error 16:26"),
    ("an id too short", "\"2684\"", "\"684\"", "AH003 error 17:26"),
    ("an id that is not hexadecimal", "\"2684\"", "\"26g4\"", "AH003 error 17:26"),
    ("a negative group", "device_type: \"audio\"\n", "device_type: \"audio\"\n              iommu_group: -1\n", "AH003 error 20:28"),
    ("memory in words", "memory_gb: 32", "memory_gb: \"32 GB\"", "AH003 error 8:20"),
    ("no memory", "        memory_gb: 32\n", "", "AH003 error 6:9"),
    ("enabled: yes", "enabled: true", "enabled: yes", "AH003 error 12:20"),
    ("devices as a map", "          devices:\n            - pci_address: \"0000:02:00.0\"\n              device_type: \"storage\"", "          devices:\n              pci_address: \"0000:02:00.0\"\n              device_type: \"storage\"", "AH003 error 28:15"),
    ("a false address of a VM", "\"192.168.100.12\"", "\"192.168.100.312\"", "AH003 error 24:13"),
    ("a false subnet", "192.168.100.0/24", "192.168.100.0/33", "AH003 error 4:23"),
    ("another version", "\"1.0\"", "\"9.9\"", "AH003 error 1:10"),
    ("no version", "version: \"1.0\"\n", "", "AH003 error 1:1"),
    ("no count", "      count: 2\n", "", "AH003 error 32:7"),
    ("a variable without a value", "\"192.168.100.12\"", "\"${NO_SUCH_VARIABLE_9}\"", "AH006 error 24:13"),
    ("a variable that asks for a value", "cpu_cores: 2", "cpu_cores: ${NO_SUCH_VARIABLE_9:?say how many}", "AH006 error 33:18"),
    ("no devices", "          devices:\n            - pci_address: \"0000:02:00.0\"\n              device_type: \"storage\"\n", "", "AH007 error 26:20"),
    ("an empty list of devices", "          devices:\n            - pci_address: \"0000:02:00.0\"\n              device_type: \"storage\"\n", "          devices: []\n", "AH007 error 26:20"),
    ("enabled left out", "          enabled: true\n          devices:\n            - pci_address: \"0000:02:00.0\"", "          devices:\n            - pci_address: \"0000:02:00.0\"", "AH008 warning 26:11"),
    ("not enabled", "          enabled: true\n          devices:\n            - pci_address: \"0000:02:00.0\"", "          enabled: false\n          devices:\n            - pci_address: \"0000:02:00.0\"", "AH008 warning 26:20"),
    ("a device twice", "\"0000:01:00.1\"", "\"0000:01:00.0\"", "AH020 error 18:28"),
    ("a device twice, in capitals and a wide domain", "\"0000:01:00.1\"", "\"00000000:01:00.0\"", "AH020 error 18:28"),
    ("a device in two VMs", "\"0000:02:00.0\"", "\"0000:01:00.0\"", "AH021 error 28:28"),
    ("a device in a VM that does not start by itself", "\"0000:02:00.0\"\n              device_type: \"storage\"\n", "\"0000:01:00.0\"\n              device_type: \"gpu\"\n        auto_start: false\n", "AH021 warning 28:28"),
    ("a device in a counted group", "      ip: DHCP\n", "      ip: DHCP\n      pcie_passthrough:\n        enabled: true\n        devices:\n          - {pci_address: \"0000:03:00.0\", device_type: gpu}\n", "AH022 error 40:27"),
    ("an address outside the subnet", "\"192.168.100.12\"", "\"192.168.101.12\"", "AH023 warning 24:13"),
    ("an address twice", "\"192.168.100.12\"", "\"192.168.100.11\"", "AH023 warning 24:13"),
    ("a fixed address for several", "      ip: DHCP\n", "      ip: 192.168.200.9\n", "AH003 error 36:11"),
    ("a name twice", "\"gpu-node-02\"", "\"gpu-node-01\"", "AH024 error 20:15"),
];

fn judged(text: &str) -> (i32, Vec<String>) {
    let flags = ["validate", "--format", "json", "--skip-pcie-validation", "-"];
    let ran = run_on(text.as_bytes(), &flags);
    let document = ran.json();
    let findings = document["findings"].as_array().unwrap().iter().map(|it| {
        let at = &it["location"];
        let word = |key: &str| it[key].as_str().unwrap().to_owned();
        format!("{} {} {}:{}", word("code"), word("severity"), at["line"], at["column"])
    });
    (ran.status, findings.collect())
}

#[test]
fn the_good_file_is_good() {
    assert_eq!(judged(GOOD), (0, Vec::new()));
}

#[test]
fn one_mistake_is_one_finding_at_its_place() {
    let mut wrong = Vec::new();
    for (name, old, new, expected) in CASES {
        assert!(GOOD.contains(old), "{name}: nothing to replace");
        let (status, findings) = judged(&GOOD.replacen(old, new, 1));
        let blocks = i32::from(expected.contains(" error "));
        if findings != [*expected] || status != blocks {
            wrong.push(format!("{name}: {expected}, not {findings:?} with exit {status}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Line ends of another system and a byte-order mark move no place.
#[test]
fn places_are_the_same_with_crlf_and_a_byte_order_mark() {
    for (name, old, new, expected) in CASES {
        let text = GOOD.replacen(old, new, 1).replace('\n', "\r\n");
        let (_, findings) = judged(&format!("\u{feff}{text}"));
        let (_, plain) = judged(&GOOD.replacen(old, new, 1));
        assert_eq!(findings, plain, "{name}: {expected}");
    }
}

/// Columns count characters, not bytes.
#[test]
fn columns_count_characters() {
    let text = "compute_nodes: [{name: \"é漢😀\", pcie_passthrough: {enabled: maybe}}]\n";
    assert_eq!(judged(text).1, ["AH003 error 1:59"]);
}

/// All mistakes of a file are told in one run.
#[test]
fn mistakes_do_not_hide_one_another() {
    let text = GOOD
        .replacen("\"0000:01:00.0\"", "\"0000:01:20.0\"", 1)
        .replacen("\"audio\"", "\"sound\"", 1)
        .replacen(
            "enabled: true\n          devices:\n            - pci_address: \"0000:02",
            "enabled: yes\n          devices:\n            - pci_address: \"0000:02",
            1,
        )
        .replacen("      cpu_cores: 2\n", "", 1);
    assert_eq!(
        judged(&text).1,
        ["AH005 error 14:28", "AH003 error 19:28", "AH003 error 26:20", "AH003 error 32:7"]
    );
}
