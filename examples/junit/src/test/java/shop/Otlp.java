package shop;

import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/** What one test exports to {@code url}. Tests that run side by side do not see each other's. */
record Otlp(String url) implements AutoCloseable {

  /** Returns once all conditions hold, and fails the test when they do not within five seconds. */
  void await(String... conditions) throws IOException, InterruptedException {
    var lines = BodyPublishers.ofString(String.join("\n", conditions));
    var answer = ask(HttpRequest.newBuilder(URI.create(url + "/otlpkit/wait?timeout=5s")).POST(lines));
    if (answer.statusCode() != 200) {
      fail(answer.body());
    }
  }

  @Override
  public void close() throws IOException, InterruptedException {
    ask(HttpRequest.newBuilder(URI.create(url)).DELETE());
  }

  private static HttpResponse<String> ask(HttpRequest.Builder question) throws IOException, InterruptedException {
    var request = question.header("Accept", "text/plain").build();
    return HttpClient.newHttpClient().send(request, BodyHandlers.ofString());
  }

  /** For {@code @ExtendWith}: gives each test that has an {@code Otlp} parameter one of its own. */
  static final class Extension implements ParameterResolver {
    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext test) {
      return parameter.getParameter().getType() == Otlp.class;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext test) {
      var server = test.getRoot().getStore(Namespace.GLOBAL).computeIfAbsent(Server.class);
      var url = server.url + "/s/" + UUID.randomUUID();
      // JUnit closes what is in the store: this after the test, the server after all of them.
      return test.getStore(Namespace.GLOBAL).computeIfAbsent(Otlp.class, key -> new Otlp(url), Otlp.class);
    }
  }

  /** One for all tests: the command that OTLPKIT names, or otlpkit. */
  static final class Server implements AutoCloseable {
    final Process process;
    final String url;

    Server() {
      var command = Optional.ofNullable(System.getenv("OTLPKIT")).orElse("otlpkit");
      try {
        process = new ProcessBuilder(command, "serve", "--port", "0").redirectOutput(Redirect.DISCARD).start();
        url = process.errorReader().readLine().replace("listening on ", "");
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public void close() {
      process.destroy();
    }
  }
}
