//! The configuration, described once: every key, what stands under it and what it means.

mod hardware;
mod policy;
mod vm;

use hardware::HARDWARE_FIELD;
pub(super) use policy::POLICY_FILE;
use vm::{BASE_IMAGE, CONTROLLER, NODES, SHORT_NODES};

use super::shape::{Field, MapShape, Role, Shape, Unknown};

pub(super) static CLUSTER_FILE: MapShape = MapShape {
    name: "cluster_file",
    what: "a cluster file",
    doc: "A whole cluster: its networks, its VMs and their devices.",
    role: Role::Plain,
    unknown: Unknown::Warned,
    required: &[&["version"], &["clusters"]],
    fields: &[
        HEAD,
        &[Field::new("clusters", Shape::Map(&CLUSTERS), "The clusters, by their kind.")],
    ],
    misplaced: &[(
        "compute_nodes",
        "it belongs under `clusters: hpc:`, or in a file without `clusters`",
    )],
};

pub(super) static SHORT_FILE: MapShape = MapShape {
    name: "short_file",
    what: "a short file",
    doc: "VMs and their devices, and nothing else.",
    role: Role::Plain,
    unknown: Unknown::Warned,
    required: &[&["compute_nodes"]],
    fields: &[
        HEAD,
        &[Field::new("compute_nodes", SHORT_NODES, "The VMs and the devices each of them wants.")],
    ],
    misplaced: &[],
};

const HEAD: &[Field] = &[
    Field::new("version", Shape::Word(&["1.0"]), "The version of this format."),
    Field::new("metadata", Shape::Map(&METADATA), "What the cluster is called."),
    Field::new("global", Shape::Free, "Settings of other programs."),
];

static METADATA: MapShape = MapShape {
    name: "metadata",
    what: "`metadata`",
    doc: "What the cluster is called.",
    fields: &[&[
        Field::new("name", Shape::Text, "The name of the configuration."),
        Field::new("description", Shape::Text, "What it is for."),
    ]],
    ..PLAIN
};

static CLUSTERS: MapShape = MapShape {
    name: "clusters",
    what: "`clusters`",
    doc: "The clusters, by their kind.",
    fields: &[&[
        Field::new("hpc", Shape::Map(&HPC), "The cluster for batch jobs (Slurm)."),
        Field::new("cloud", Shape::Map(&CLOUD), "The cluster for services (Kubernetes)."),
    ]],
    ..PLAIN
};

static HPC: MapShape = MapShape {
    name: "hpc",
    what: "the hpc cluster",
    doc: "The cluster for batch jobs (Slurm).",
    role: Role::Cluster,
    fields: &[
        CLUSTER,
        &[
            Field::new(
                "controller",
                Shape::Map(&CONTROLLER),
                "The VM that runs the Slurm controller.",
            ),
            Field::new(
                "compute_nodes",
                NODES,
                "The VMs that run the jobs: a list, or one counted group.",
            ),
            Field::new("slurm_config", Shape::Map(&SLURM), "Settings of Slurm."),
        ],
    ],
    ..PLAIN
};

static CLOUD: MapShape = MapShape {
    name: "cloud",
    what: "the cloud cluster",
    doc: "The cluster for services (Kubernetes).",
    role: Role::Cluster,
    fields: &[
        CLUSTER,
        &[
            Field::new(
                "control_plane",
                Shape::Map(&CONTROLLER),
                "The VM that runs the control plane.",
            ),
            Field::new(
                "worker_nodes",
                NODES,
                "The VMs that run the pods: a list, or one counted group.",
            ),
            Field::new("kubernetes_config", Shape::Map(&KUBERNETES), "Settings of Kubernetes."),
        ],
    ],
    ..PLAIN
};

const CLUSTER: &[Field] = &[
    Field::new("name", Shape::Text, "The name of the cluster."),
    Field::new("network", Shape::Map(&NETWORK), "The network of the cluster's VMs."),
    BASE_IMAGE,
    HARDWARE_FIELD,
    Field::new("storage", Shape::Free, "Settings of the storage."),
];

static NETWORK: MapShape = MapShape {
    name: "network",
    what: "`network`",
    doc: "The network of the cluster's VMs.",
    required: &[&["subnet"], &["bridge"]],
    fields: &[&[
        Field::new("subnet", Shape::Subnet, "The addresses of the VMs."),
        Field::new("bridge", Shape::Name, "The host's bridge that connects them."),
    ]],
    ..PLAIN
};

static SLURM: MapShape = MapShape {
    name: "slurm_config",
    what: "`slurm_config`",
    doc: "Settings of Slurm.",
    fields: &[&[
        Field::new("partitions", Shape::List(&Shape::Text), "The names of the partitions."),
        Field::new("default_partition", Shape::Text, "The partition of a job that names none."),
        Field::new("max_job_time", Shape::Text, "How long a job may run."),
    ]],
    ..PLAIN
};

static KUBERNETES: MapShape = MapShape {
    name: "kubernetes_config",
    what: "`kubernetes_config`",
    doc: "Settings of Kubernetes.",
    fields: &[&[
        Field::new("cni", Shape::Text, "The network plugin."),
        Field::new("ingress", Shape::Text, "The ingress controller."),
        Field::new("storage_class", Shape::Text, "The default storage class."),
    ]],
    ..PLAIN
};

const ONE_OR_MORE: Shape = Shape::Integer { min: 1 };

/// What most maps have in common.
const PLAIN: MapShape = MapShape {
    name: "",
    what: "",
    doc: "",
    role: Role::Plain,
    unknown: Unknown::Warned,
    required: &[],
    fields: &[],
    misplaced: &[],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_map_is_well_described() {
        let mut open = vec![&CLUSTER_FILE, &SHORT_FILE];
        let mut names = std::collections::BTreeMap::new();
        while let Some(map) = open.pop() {
            if let Some(seen) = names.insert(map.name, std::ptr::from_ref(map)) {
                assert_eq!(seen, std::ptr::from_ref(map), "two maps are called {}", map.name);
                continue;
            }
            assert!(
                !map.name.is_empty() && !map.what.is_empty() && map.doc.ends_with('.'),
                "{}",
                map.name
            );
            for key in map.required.iter().copied().flatten() {
                assert!(map.field(key).is_some(), "{} requires the unknown {key}", map.name);
            }
            for field in map.all() {
                assert!(field.doc.ends_with('.'), "{}", field.key);
                assert_eq!(
                    map.all().filter(|other| other.key == field.key).count(),
                    1,
                    "{}",
                    field.key
                );
                match field.shape {
                    Shape::Map(map) | Shape::List(&Shape::Map(map)) => open.push(map),
                    Shape::Nodes { vm, group } => open.extend([vm, group]),
                    _ => {}
                }
            }
        }
        assert!(names.len() > 20);
    }
}
