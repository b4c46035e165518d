//! Catches what a test exports. Starts the command that OTLPKIT names, or `otlpkit`.

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use reqwest::blocking::Client;

/// A receiver on a free port, for as long as this lives.
pub struct Otlpkit {
    server: Child,
    pub url: String,
}

impl Otlpkit {
    pub fn start() -> Self {
        let mut server = Command::new(env::var_os("OTLPKIT").unwrap_or("otlpkit".into()))
            .args(["serve", "--port", "0"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("otlpkit can be started");
        let mut line = String::new();
        let stderr = server.stderr.as_mut().expect("stderr is piped");
        BufReader::new(stderr).read_line(&mut line).expect("otlpkit tells its address");
        let url = line.trim_end().trim_start_matches("listening on ").to_owned();
        Otlpkit { server, url }
    }

    /// Blocks until all conditions hold, and panics when they do not within five seconds.
    #[track_caller]
    pub fn expect(&self, conditions: &[&str]) {
        let question = Client::new()
            .post(format!("{}/otlpkit/wait?timeout=5s", self.url))
            .header("Accept", "text/plain")
            .body(conditions.join("\n"));
        let answer = question.send().expect("otlpkit answers");
        assert!(answer.status().is_success(), "{}", answer.text().unwrap_or_default());
    }
}

impl Drop for Otlpkit {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
