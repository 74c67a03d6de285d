fn main() -> std::process::ExitCode {
    ai_how::run()
}
