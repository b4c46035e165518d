package shop

import (
	"bufio"
	"cmp"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
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
	if err == nil {
		err = server.Start()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
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
	return session
}

// wait blocks until all conditions hold, and fails the test when they do not within five seconds.
func (o otlp) wait(conditions ...string) {
	o.Helper()
	lines := strings.NewReader(strings.Join(conditions, "\n"))
	answer, err := http.Post(o.url+"/otlpkit/wait?timeout=5s", "text/plain", lines)
	o.read(answer, err)
}

type span struct {
	Attributes map[string]any
}

func (o otlp) spans(where string) (spans []span) {
	o.Helper()
	answer, err := http.Get(o.url + "/otlpkit/spans?where=" + url.QueryEscape(where))
	if err := json.Unmarshal(o.read(answer, err), &spans); err != nil {
		o.Fatal(err)
	}
	return spans
}

func (o otlp) read(answer *http.Response, err error) []byte {
	o.Helper()
	if err != nil {
		o.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		o.Fatalf("%s %s %v", answer.Status, body, err)
	}
	return body
}
