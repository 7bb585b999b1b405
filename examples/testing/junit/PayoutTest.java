// JUnit 5: a listener that receives callbacks; copy it, and keep your own payOut().

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PayoutTest {
    private Process listener;
    private String url, api, token;
    static Process start(String... arguments) throws Exception {
        var builder = new ProcessBuilder(arguments).redirectError(ProcessBuilder.Redirect.DISCARD);
        builder.command().add(0, System.getenv().getOrDefault("PAYOUT_NOTIFY", "payout-notify"));
        builder.environment().put("PAYOUT_NOTIFY_KEY", "ThisIsYourSecretKey123");
        return builder.start();
    }

    @BeforeEach
    void listen(@TempDir Path folder) throws Exception {
        listener = start("listen", "--bind", ":0", "--api", "--quiet", "--format", "json", "--inbox", folder.resolve("inbox.db").toString());
        // Your tests have a JSON library; this one gets by without.
        var ready = Pattern.compile("\"token\":\"(.*?)\",\"url\":\"(.*?)\".*\"url\":\"(.*?)\"").matcher(listener.inputReader().readLine());
        ready.find();
        token = ready.group(1); api = ready.group(2); url = ready.group(3);
    }

    @AfterEach
    void end() throws Exception { listener.destroy(); listener.waitFor(); }

    String ask(String method, String path, String body) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(api + path)).header("Authorization", "Bearer " + token)
            .header("Content-Type", "application/json").method(method, HttpRequest.BodyPublishers.ofString(body)).build();
        return HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).body();
    }

    /** Stands in for your application, which asks the platform for a payout and names its notify URL. */
    static void payOut(String order, String notifyUrl) throws Exception {
        try (var payload = start("simulate", notifyUrl, "-", "--schedule", "50ms").outputWriter()) {
            payload.write("{\"payout_id\":\"" + order + "\",\"amount\":5000,\"status\":3}");
        }
    }

    @Test
    void aPayoutIsNotifiedAgainUntilItIsAcknowledged() throws Exception {
        ask("PUT", "/replies", "{\"reply\":\"fail, ok\"}");
        payOut("PO-1", url);
        var waited = ask("GET", "/callbacks/wait?order=PO-1&status=success&count=2&within=10s", "");
        var statuses = Pattern.compile("\"reply_status\":(\\d+)").matcher(waited).results().map(found -> found.group(1)).toList();
        assertEquals(java.util.List.of("500", "200"), statuses);
    }
}
