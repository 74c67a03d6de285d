//! What the examples of the rules are made of.

use crate::host::fake::FakeHost;

/// A configuration, and a host to judge it on where the rule needs one.
pub struct Scene {
    pub config: &'static str,
    pub host: Option<fn() -> FakeHost>,
}

impl Scene {
    /// A configuration judged alone.
    pub const fn config(config: &'static str) -> Self {
        Self { config, host: None }
    }

    /// [`ONE_GPU`] on a host.
    pub const fn host(host: fn() -> FakeHost) -> Self {
        Self { config: ONE_GPU, host: Some(host) }
    }

    pub const fn both(config: &'static str, host: fn() -> FakeHost) -> Self {
        Self { config, host: Some(host) }
    }
}

/// A VM with a GPU and its audio function.
pub const ONE_GPU: &str = r#"compute_nodes:
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
