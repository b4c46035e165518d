package shop

import (
	"bufio"
	"cmp"
	"crypto/rand"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
)

var otlpkitURL string

// TestMain runs all tests beside a receiver: the command that OTLPKIT names, or otlpkit.
func TestMain(m *testing.M) {
	server := exec.Command(cmp.Or(os.Getenv("OTLPKIT"), "otlpkit"), "serve", "--port", "0")
	stderr, err := server.StderrPipe()
	if err != nil {
		log.Fatal(err)
	}
	if err := server.Start(); err != nil {
		log.Fatal(err)
	}
	line, _ := bufio.NewReader(stderr).ReadString('\n')
	otlpkitURL = strings.TrimSpace(strings.TrimPrefix(line, "listening on "))
	code := m.Run()
	server.Process.Kill()
	server.Wait()
	os.Exit(code)
}

// otlp is what one test exports. Tests that run side by side do not see each other's.
type otlp struct {
	*testing.T
	url string
}

func newOTLP(t *testing.T) otlp {
	session := otlp{t, otlpkitURL + "/s/" + rand.Text()}
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", session.url)
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "50") // milliseconds until ended spans are exported
	t.Cleanup(func() { session.ask("DELETE", "", "") })
	return session
}

// wait blocks until all conditions hold, and fails the test when they do not within five seconds.
func (o otlp) wait(conditions ...string) {
	o.Helper()
	o.ask("POST", "/otlpkit/wait?timeout=5s", strings.Join(conditions, "\n"))
}

type span struct {
	Attributes map[string]any
}

func (o otlp) spans(where string) (spans []span) {
	o.Helper()
	answer := o.ask("GET", "/otlpkit/spans?where="+url.QueryEscape(where), "")
	if err := json.Unmarshal(answer, &spans); err != nil {
		o.Fatal(err)
	}
	return spans
}

func (o otlp) ask(method, path, body string) []byte {
	o.Helper()
	request, err := http.NewRequest(method, o.url+path, strings.NewReader(body))
	if err != nil {
		o.Fatal(err)
	}
	request.Header.Set("Accept", "text/plain")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		o.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode >= 300 {
		o.Fatalf("%s %v\n%s", answer.Status, err, text)
	}
	return text
}
