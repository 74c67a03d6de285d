//! The arguments, and what `--help` says of them.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::engine::{ArgValueCandidates, ArgValueCompleter, PathCompleter};

use super::completions::{addresses, codes, drivers, groups};
use crate::pci::{Address, DeviceType};

#[derive(Debug, Parser)]
#[command(
    name = "ai-how",
    version,
    about = "Will these virtual machines get these PCI devices on this host, and if not, exactly why?",
    after_long_help = "Exit codes: 0 ready, 1 blocked, 2 could not run, 3 undetermined.\nA first try on any machine: ai-how validate --root examples/hosts/ready examples/gpu-node.yaml",
    propagate_version = true,
    disable_help_subcommand = true
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Read this directory or snapshot instead of /
    ///
    /// A directory holds sys/, proc/ and dev/ of a host; a snapshot is made by `ai-how snapshot`.
    #[arg(long, global = true, value_name = "PATH", env = "AI_HOW_ROOT", hide_env_values = true)]
    pub root: Option<PathBuf>,
    /// How the result is written
    #[arg(
        long,
        global = true,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
    pub format: Format,
    /// Write the result to this file
    ///
    /// Instead of to standard output. The file is replaced as a whole, and not touched where the
    /// program could not run.
    #[arg(short, long, global = true, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Show stand-ins in the place of personal data, as a snapshot has them: for posts in forums
    #[arg(long, global = true, hide_short_help = true)]
    pub stand_ins: bool,
    /// When to use colour
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_short_help = true
    )]
    pub color: Color,
    /// Tell also, in full, what follows from other findings
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub verbose: bool,
    /// Tell only the verdicts
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// What is logged to standard error [DEBUG, INFO, WARNING, ERROR, CRITICAL]
    #[arg(
        long,
        global = true,
        value_name = "LEVEL",
        env = "AI_HOW_LOG_LEVEL",
        default_value = "WARNING",
        ignore_case = true,
        hide_possible_values = true,
        hide_env_values = true,
        hide_short_help = true
    )]
    pub log_level: LogLevel,
    /// Log to this file instead, at its end
    #[arg(long, global = true, value_name = "PATH", hide_short_help = true)]
    pub log_file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Judge configurations, the host, and every device of every VM
    Validate(ValidateArgs),
    /// List the devices of this host
    #[command(subcommand)]
    Inventory(InventoryOf),
    /// Judge the host alone: can it pass devices through?
    Doctor(DoctorArgs),
    /// Judge many hosts by their snapshots: how many are ready, blocked by what, who differs
    Fleet(FleetArgs),
    /// Pack all that is read of this host into one file
    ///
    /// Every command can be run on it elsewhere.
    Snapshot(SnapshotArgs),
    /// Tell what is different between two moments of a host: devices, groups, drivers, parameters
    Diff(DiffArgs),
    /// Tell what a finding means, why it matters and how it is mended
    Explain(ExplainArgs),
    /// List all rules
    Rules,
    /// Print the JSON Schema of the configuration, or of an output
    Schema(SchemaArgs),
    /// Print what makes a shell complete words
    ///
    /// Commands, options, codes, device addresses of this host, and files.
    Completions(CompletionsArgs),
    /// Print a manual page
    Man(ManArgs),
}

#[derive(Debug, Subcommand)]
pub enum InventoryOf {
    /// Every PCI function: names, driver, IOMMU group, and whether it can be passed to a VM
    Pcie(PcieArgs),
    /// Display controllers and accelerators: what belongs to each card, memory, link, reset, VFs
    Gpu(GpuArgs),
}

#[derive(Debug, Args)]
#[command(
    after_long_help = "Formats: text, json, ndjson, sarif, junit, prometheus, svg, html.\nExamples:\n  ai-how validate config/cluster.yaml\n  ai-how validate --skip-pcie-validation cluster.yaml\n  ai-how validate --root /mnt/other-host --format json cluster.yaml\n  ai-how validate --fix-script fix.sh cluster.yaml"
)]
pub struct ValidateArgs {
    /// Configurations, judged as one plan; - is standard input
    #[arg(
        value_name = "CONFIG",
        default_value = "config/cluster.yaml",
        add = ArgValueCompleter::new(PathCompleter::file().stdio())
    )]
    pub configs: Vec<PathBuf>,
    /// Judge the configuration alone, without a host
    #[arg(long)]
    pub skip_pcie_validation: bool,
    /// Turn warnings into errors, but for what another option or a directive allows
    #[arg(long)]
    pub strict: bool,
    #[command(flatten)]
    pub directives: DirectiveArgs,
    /// Let a VM have a part of an IOMMU group: AH301 becomes a warning
    #[arg(long)]
    pub allow_partial_groups: bool,
    /// Who starts the VMs, by name or number: may this user open /dev/kvm and the VFIO nodes?
    #[arg(long = "as", value_name = "USER")]
    pub user: Option<String>,
    /// Write what mends it, and FILE.undo beside it
    ///
    /// A shell script to be read and then run as root, and one which takes it back.
    #[arg(long, value_name = "FILE", conflicts_with = "skip_pcie_validation")]
    pub fix_script: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct DirectiveArgs {
    /// Pass over what this rule finds, for a reason
    ///
    /// AH301="the audio function stays". Of errors only those of AH021, AH301, `AH4xx` and `AH6xx`.
    #[arg(long, value_name = "CODE=REASON", add = ArgValueCandidates::new(codes))]
    pub ignore: Vec<String>,
    /// Make what this rule finds a warning, also with --strict
    #[arg(long, value_name = "CODE", add = ArgValueCandidates::new(codes))]
    pub warn: Vec<String>,
    /// Make what this rule finds an error
    #[arg(long, value_name = "CODE", add = ArgValueCandidates::new(codes))]
    pub error: Vec<String>,
}

#[derive(Debug, Args)]
#[command(
    after_long_help = "Formats: text, json, nfd, prometheus, html. Exit codes as of validate.\nExamples:\n  ai-how doctor\n  ai-how doctor --as libvirt-qemu\n  ai-how doctor --root /mnt/other-host --format json"
)]
pub struct DoctorArgs {
    /// Turn warnings into errors, but for what another option allows
    #[arg(long)]
    pub strict: bool,
    #[command(flatten)]
    pub directives: DirectiveArgs,
    /// Who starts the VMs, by name or number: may this user open /dev/kvm?
    #[arg(long = "as", value_name = "USER")]
    pub user: Option<String>,
}

#[derive(Debug, Args)]
#[command(
    after_long_help = "Formats: text, json, ndjson (a line a snapshot, as it is judged, in the order of the names).\nExit codes: 1 where one host is blocked; else 3 where one is undetermined, or a snapshot is broken; 0 where all are ready; 2 could not run: bad arguments, a configuration that cannot be read, or none of the names is anything.\nExamples:\n  ai-how fleet snapshots/\n  ai-how fleet --config cluster.yaml 'rack*/*.snap'\n  find /srv -name '*.snap' | ai-how fleet --format ndjson -"
)]
pub struct FleetArgs {
    /// Snapshots, folders and patterns; - reads a list of them, one a line or as find -print0 writes it
    ///
    /// Of a folder, its files named *.snap and its folders that hold sys/ of a host, by name; not
    /// what is deeper. A pattern in quotes ('rack*/*.snap') is for more than a shell takes. What is
    /// named twice is judged once.
    #[arg(
        value_name = "SNAPSHOT",
        required = true,
        add = ArgValueCompleter::new(PathCompleter::any().stdio())
    )]
    pub snapshots: Vec<PathBuf>,
    /// Judge this plan on each host, as validate does; may be given again for more files of it
    ///
    /// Without one each host is judged alone, as doctor does. The policy .ai-how.yaml beside it counts.
    #[arg(
        short,
        long = "config",
        value_name = "CONFIG",
        add = ArgValueCompleter::new(PathCompleter::file().stdio())
    )]
    pub configs: Vec<PathBuf>,
    /// Turn warnings into errors, but for what another option or a directive allows
    #[arg(long)]
    pub strict: bool,
    #[command(flatten)]
    pub directives: DirectiveArgs,
    /// Let a VM have a part of an IOMMU group: AH301 becomes a warning
    #[arg(long, requires = "configs")]
    pub allow_partial_groups: bool,
    /// How many are judged at a time; as many as there are processors, where it is not said
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
}

#[derive(Debug, Args)]
#[command(
    after_long_help = "Formats: text, json, ndjson, csv, nfd, prometheus, svg, html.\nPassthrough: ready (as it is), possible (only binding is missing), blocked (the code says why), never (a bridge), undetermined.\nExamples:\n  ai-how inventory pcie --tree\n  ai-how inventory pcie --type gpu\n  ai-how inventory pcie --driver none --format csv"
)]
pub struct PcieArgs {
    /// Only these functions, 0000:01:00.0
    #[arg(value_name = "ADDRESS", add = ArgValueCandidates::new(addresses))]
    pub addresses: Vec<Address>,
    /// Draw bridges and what is behind them
    #[arg(long)]
    pub tree: bool,
    /// Only the members of this IOMMU group
    #[arg(long, value_name = "N", add = ArgValueCandidates::new(groups))]
    pub group: Option<u32>,
    /// Only devices of this type
    #[arg(long = "type", value_name = "TYPE")]
    pub device_type: Option<TypeWord>,
    /// Only devices on this driver; none for those without
    #[arg(long, value_name = "NAME", add = ArgValueCandidates::new(drivers))]
    pub driver: Option<String>,
    /// Read more: link touches devices that are awake, driver-override waits for a stuck driver
    #[arg(long, value_name = "FACT", value_delimiter = ',')]
    pub with: Vec<Extra>,
}

#[derive(Debug, Args)]
#[command(
    after_long_help = "Formats: text, json, ndjson, csv, nfd, prometheus, html. The link is read of cards that are awake, which touches them.\nExample: ai-how inventory gpu --format json"
)]
pub struct GpuArgs {
    /// Read more: driver-override waits for a stuck driver
    #[arg(long, value_name = "FACT", value_delimiter = ',')]
    pub with: Vec<Extra>,
}

#[derive(Debug, Args)]
#[command(
    after_long_help = "Personal data (addresses of networks and cards, names of hosts, persons and processes, UUIDs) are replaced by stand-ins, which docs/snapshot.md lists; files that hold serial numbers are never read. Run it as root, or what only root may see is missing.\nExamples:\n  ai-how snapshot -o host.snap\n  ai-how snapshot --dry-run\n  ai-how validate --root host.snap cluster.yaml"
)]
pub struct SnapshotArgs {
    /// List what would be packed; with --format json, the manifest
    #[arg(long)]
    pub dry_run: bool,
    /// Read more: driver-override waits for a stuck driver
    #[arg(long, value_name = "FACT", value_delimiter = ',')]
    pub with: Vec<Extra>,
}

#[derive(Debug, Args)]
#[command(
    after_long_help = "Formats: text, json. Exit codes: 0 the same, 1 different, 2 could not run, 3 no change is known and something could not be compared.\nExamples:\n  ai-how snapshot -o before.snap\n  ai-how diff before.snap\n  ai-how diff before.snap after.snap --format json"
)]
pub struct DiffArgs {
    /// A snapshot or directory of before
    #[arg(value_name = "BEFORE", add = ArgValueCompleter::new(PathCompleter::any()))]
    pub before: PathBuf,
    /// One of after; where it is not named, this host, or that of --root
    #[arg(value_name = "AFTER", add = ArgValueCompleter::new(PathCompleter::any()))]
    pub after: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_long_help = "Formats: text, json.\nExample: ai-how explain AH302")]
pub struct ExplainArgs {
    /// Code or name of a finding: AH302, group-not-viable
    #[arg(value_name = "CODE", add = ArgValueCandidates::new(codes))]
    pub code: String,
}

#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// Of which document
    #[arg(value_name = "DOCUMENT", default_value = "config")]
    pub document: Document,
}

#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  ai-how completions bash > /etc/bash_completion.d/ai-how\n  ai-how completions zsh > \"${fpath[1]}/_ai-how\"\n  ai-how completions fish > ~/.config/fish/completions/ai-how.fish"
)]
pub struct CompletionsArgs {
    /// For which shell
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  ai-how man | man -l -\n  ai-how man inventory pcie\n  ai-how man --all /usr/local/share/man/man1"
)]
pub struct ManArgs {
    /// Of this command; of the program where none is named
    #[arg(value_name = "COMMAND")]
    pub command: Vec<String>,
    /// Write the pages of all commands into this folder
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    pub all: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Text,
    Json,
    Ndjson,
    Csv,
    Sarif,
    Junit,
    Nfd,
    Prometheus,
    Svg,
    Html,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    Bash,
    Elvish,
    Fish,
    Powershell,
    Zsh,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    Debug,
    Info,
    Warning,
    Error,
    Critical,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TypeWord {
    Gpu,
    Network,
    Storage,
    Audio,
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Extra {
    Link,
    DriverOverride,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Document {
    Config,
    Diff,
    Doctor,
    Fleet,
    FleetNdjson,
    Validate,
    ValidateNdjson,
    Inventory,
    InventoryNdjson,
    Policy,
    Rules,
    Snapshot,
}

impl Format {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Sarif => "sarif",
            Self::Junit => "junit",
            Self::Nfd => "nfd",
            Self::Prometheus => "prometheus",
            Self::Svg => "svg",
            Self::Html => "html",
        }
    }
}

impl From<TypeWord> for DeviceType {
    fn from(word: TypeWord) -> Self {
        match word {
            TypeWord::Gpu => Self::Gpu,
            TypeWord::Network => Self::Network,
            TypeWord::Storage => Self::Storage,
            TypeWord::Audio => Self::Audio,
            TypeWord::Other => Self::Other,
        }
    }
}

/// The arguments; or help, version, or what is wrong with them.
pub fn parse() -> Result<Cli, clap::Error> {
    // An empty variable is as good as none.
    let unset = |name: &str| std::env::var_os(name).is_some_and(|value| value.is_empty());
    let mut command = <Cli as clap::CommandFactory>::command();
    for (name, argument) in [("AI_HOW_ROOT", "root"), ("AI_HOW_LOG_LEVEL", "log_level")] {
        if unset(name) {
            command = command.mut_arg(argument, |argument| argument.env(None));
        }
    }
    let matches = command.try_get_matches()?;
    <Cli as clap::FromArgMatches>::from_arg_matches(&matches)
}
