// Catches what tests export. Starts the command that OTLPKIT names, or `otlpkit`.
import { AssertionError } from 'node:assert';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export class Otlpkit {
  async start() {
    const command = process.env.OTLPKIT ?? 'otlpkit';
    this.server = spawn(command, ['serve', '--port', '0'], { stdio: ['ignore', 'ignore', 'pipe'] });
    const [line] = await once(createInterface(this.server.stderr), 'line');
    this.url = line.replace('listening on ', '');
  }

  session() {
    return new Session(`${this.url}/s/${randomUUID()}`);
  }

  async stop() {
    this.server.kill();
    await once(this.server, 'exit');
  }
}

// What one test exports. Tests that run side by side do not see each other's.
class Session {
  constructor(url) {
    this.url = url;
  }

  // Resolves once all conditions hold, and fails the test when they do not within five seconds.
  async wait(...conditions) {
    const answer = await fetch(`${this.url}/otlpkit/wait?timeout=5s`, {
      method: 'POST',
      headers: { Accept: 'text/plain' },
      body: conditions.join('\n'),
    });
    const report = await answer.text();
    if (!answer.ok) throw new AssertionError({ message: report, stackStartFn: this.wait });
  }

  async spans(where = '{}') {
    const answer = await fetch(`${this.url}/otlpkit/spans?${new URLSearchParams({ where })}`);
    return answer.json();
  }

  async forget() {
    await fetch(this.url, { method: 'DELETE' });
  }
}
