//! Documents in which nothing is wrong.

use super::corpus::Doc::{self, Device, Hpc, Passthrough, Vm, Whole};
use super::corpus::Schema::{self, Agrees};

#[rustfmt::skip]
pub(super) static ACCEPTED: &[(&str, Doc, Schema)] = &[
    ("the short file of the manual", Whole(SHORT), Agrees),
    ("a full cluster file", Whole(FULL), Agrees),
    ("the least cluster file", Whole("version: '1.0'\nclusters: {}\n"), Agrees),
    ("version unquoted", Whole("version: 1.0\nclusters: {}\n"), Agrees),
    ("clusters empty but there", Whole("version: '1.0'\nclusters:\n  hpc:\n  cloud: ~\n"), Agrees),
    ("the least short file", Whole("compute_nodes: []\n"), Agrees),
    ("a short file with a head", Whole("version: '1.0'\nmetadata: {name: x, description: }\nglobal: {a: [1, {b: c}]}\ncompute_nodes: []\n"), Agrees),
    ("a short count group", Whole("compute_nodes: {name: a, count: 4, pcie_passthrough: {enabled: false}}\n"), Agrees),
    ("a document mark", Whole("---\ncompute_nodes: []\n...\n"), Agrees),
    ("a YAML directive", Whole("%YAML 1.2\n---\ncompute_nodes: []\n"), Agrees),
    ("comments everywhere", Whole("# a\ncompute_nodes: # b\n  # c\n  - name: a # d\n    pcie_passthrough: {enabled: true} # e\n"), Agrees),
    ("a byte-order mark and CRLF", Whole("\u{feff}version: \"1.0\"\r\nclusters:\r\n  hpc:\r\n    name: x\r\n"), Agrees),
    ("no line end at the end", Whole("compute_nodes:\n- name: a\n  pcie_passthrough: {enabled: true}"), Agrees),
    ("anchors and aliases", Whole("compute_nodes:\n- name: a\n  pcie_passthrough: &p\n    enabled: true\n- name: b\n  pcie_passthrough: *p\n"), Agrees),
    ("merge keys", Whole("global:\n  base: &base {cpu_cores: 2, memory_gb: 8, disk_gb: 20}\n  net: &net {ip: DHCP, cpu_cores: 9}\nversion: '1.0'\nclusters:\n  hpc:\n    compute_nodes:\n    - {<<: *base, ip: 10.0.0.1, name: own}\n    - <<: [*base, *net]\n    - <<: *base\n      ip: DHCP\n"), Agrees),
    ("a key that is ignored where no device is near", Whole("compute_nodes: []\nowner: me\n"), Agrees),
    ("a merge from an ignored key", Whole("x-base: &b {pcie_passthrough: {enabled: true, devices: []}}\ncompute_nodes:\n- <<: *b\n  name: a\n"), Agrees),
    ("JSON is YAML", Whole("{\"compute_nodes\": [{\"name\": \"a\", \"pcie_passthrough\": {\"enabled\": false, \"devices\": []}}]}"), Agrees),
    ("tags of the core schema", Whole("compute_nodes: !!seq\n- !!map\n  name: !!str 8\n  pcie_passthrough: {enabled: !!bool 'true'}\n"), Agrees),
    ("a folded text", Whole("metadata:\n  description: >\n    several\n    lines\ncompute_nodes: []\n"), Agrees),
    ("device with both keys alone", Device("pci_address: '0000:01:00.0', device_type: gpu"), Agrees),
    ("unquoted address", Device("pci_address: 0000:01:00.0, device_type: gpu"), Agrees),
    ("upper case address", Device("pci_address: 0000:0A:1F.7, device_type: other"), Agrees),
    ("wide domain", Device("pci_address: 10000:e1:00.0, device_type: storage"), Agrees),
    ("id that is an integer", Device("pci_address: 0000:01:00.0, device_type: gpu, vendor_id: 10de, device_id: 2684"), Agrees),
    ("id with leading zeros", Device("pci_address: 0000:01:00.0, device_type: network, device_id: 0010"), Agrees),
    ("ids that are floats", Device("pci_address: 0000:01:00.0, device_type: gpu, vendor_id: 1e36, device_id: 22e8"), Agrees),
    ("upper case id", Device("pci_address: 0000:01:00.0, device_type: gpu, vendor_id: '10DE'"), Agrees),
    ("group 0", Device("pci_address: 0000:01:00.0, device_type: audio, iommu_group: 0"), Agrees),
    ("empty optional values", Device("pci_address: 0000:01:00.0, device_type: gpu, vendor_id: , device_id: ~, iommu_group: null"), Agrees),
    ("address from a variable", Device("pci_address: '${CARD}', device_type: '${KIND:-gpu}'"), Agrees),
    ("boolean in capitals", Passthrough("enabled: TRUE"), Agrees),
    ("boolean from a variable", Whole("compute_nodes:\n- name: a\n  pcie_passthrough:\n    enabled: ${ON:-false}\n"), Agrees),
    ("devices without a value", Passthrough("enabled: true, devices: "), Agrees),
    ("passthrough without keys", Passthrough(""), Agrees),
    ("a VM", Vm("cpu_cores: 1, memory_gb: 2, disk_gb: 3, ip: DHCP"), Agrees),
    ("a VM with all keys", Vm("name: n, cpu_cores: 1, memory_gb: 2, disk_gb: 3, ip: 10.0.0.5, auto_start: false, base_image_path: /i/a.qcow2, worker_type: gpu, hardware: {acceleration: {enable_kvm: true}}, virtio_fs_mounts: [{tag: t, readonly: yes, anything: [1]}], pcie_passthrough: {enabled: false}"), Agrees),
    ("a VM whose passthrough is empty", Vm("cpu_cores: 1, memory_gb: 2, disk_gb: 3, ip: DHCP, pcie_passthrough: "), Agrees),
    ("a name that is a number", Vm("name: 7, cpu_cores: 1, memory_gb: 2, disk_gb: 3, ip: DHCP"), Agrees),
    ("an image from a variable", Vm("cpu_cores: 1, memory_gb: 2, disk_gb: 3, ip: DHCP, base_image_path: \"${IMAGES}/a.qcow2\""), Agrees),
    ("a dollar", Vm("name: a$$b$, cpu_cores: 1, memory_gb: 2, disk_gb: 3, ip: DHCP"), Agrees),
    ("a group with DHCP", Hpc("compute_nodes: {count: 4, cpu_cores: 1, memory_gb: 2, disk_gb: 3, ip: DHCP}"), Agrees),
    ("a group of one with an address", Hpc("compute_nodes: {count: 1, cpu_cores: 1, memory_gb: 2, disk_gb: 3, ip: 10.0.0.1}"), Agrees),
    ("a controller with ip_address", Hpc("controller: {cpu_cores: 1, memory_gb: 2, disk_gb: 3, ip_address: 10.0.0.1}"), Agrees),
    ("a controller with ip", Hpc("controller: {cpu_cores: 1, memory_gb: 2, disk_gb: 3, ip: DHCP}"), Agrees),
    ("a subnet with host bits", Hpc("network: {subnet: 192.168.100.1/24, bridge: virbr100}"), Agrees),
    ("no numa topology", Hpc("hardware: {acceleration: {numa_topology: null}}"), Agrees),
    ("storage is free", Hpc("storage: {pools: [{name: x}], 3: y}"), Agrees),
    ("an unknown key of a cluster", Hpc("owner: me, slurm_config: {colour: blue}"), Agrees),
];

const SHORT: &str = r#"compute_nodes:
  - name: "gpu-node-01"
    pcie_passthrough:
      enabled: true
      devices:
        - pci_address: "0000:01:00.0"
          device_type: "gpu"
          vendor_id: "10de"
          device_id: "2684"
        - pci_address: "0000:01:00.1"
          device_type: "audio"
          vendor_id: "10de"
          device_id: "22bd"
"#;

pub(super) const FULL: &str = r#"version: "1.0"
metadata:
  name: lab
  description: "two clusters"
global:
  log_level: info
clusters:
  hpc:
    name: hpc
    network: {subnet: 192.168.100.0/24, bridge: virbr100}
    controller:
      cpu_cores: 4
      memory_gb: 8
      disk_gb: 100
      ip_address: 192.168.100.10
      base_image_path: ${IMAGES}/controller.qcow2
    compute_nodes:
      - cpu_cores: 8
        memory_gb: 64
        disk_gb: 200
        ip: 192.168.100.11
        auto_start: false
        virtio_fs_mounts:
          - {tag: data, host_path: /srv/data, mount_point: /data, readonly: true, owner: root, group: root, mode: "0755", options: [cache=always]}
        pcie_passthrough:
          enabled: true
          devices:
            - {pci_address: 0000:01:00.0, device_type: gpu, vendor_id: 10de, device_id: 2684, iommu_group: 16}
            - {pci_address: 0000:01:00.1, device_type: audio}
      - name: second
        cpu_cores: 8
        memory_gb: ${MEM}
        disk_gb: 200
        ip: DHCP
    slurm_config: {partitions: [gpu, cpu], default_partition: gpu, max_job_time: "24:00:00"}
    base_image_path: ${IMAGES}/base.qcow2
    hardware:
      acceleration:
        enable_kvm: true
        enable_nested: false
        cpu_model: host-passthrough
        cpu_features: [avx2, avx512f]
        cpu_topology: {sockets: 1, cores: 8, threads: 2}
        numa_topology: {nodes: 2, memory_per_node: 32G}
        performance: {enable_hugepages: true, hugepage_size: 1G, cpu_pinning: true, memory_backing: hugepages}
    storage: {pool: default}
  cloud:
    name: cloud
    network: {subnet: 192.168.200.0/24, bridge: virbr200}
    control_plane: {cpu_cores: 4, memory_gb: 8, disk_gb: 100, ip_address: 192.168.200.10}
    worker_nodes: {count: 3, cpu_cores: 8, memory_gb: 16, disk_gb: 100, ip: DHCP, worker_type: cpu}
    kubernetes_config: {cni: calico, ingress: nginx, storage_class: local-path}
"#;
