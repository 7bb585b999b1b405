// Verifies and acknowledges payout notifications signed as the dialect @DIALECT@ says. Java 17 or later.
// Serve: PAYOUT_NOTIFY_KEY=... PORT=8080 java Notify.java
// In a rotation PAYOUT_NOTIFY_RETIRED_KEY is accepted too.
// Test:  java Notify.java VECTORS.json ...
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.*;
import java.util.concurrent.Executors;
import java.util.regex.*;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public class Notify {
    record Scheme(String algorithm, String beforeKey, String key, String separator,
                  boolean upper, boolean keepEmpty, String nulls, List<String> signed, List<String> unsigned) {}

    static final String SIGN_FIELD = @SIGN_FIELD@;
    static final boolean READS_SIGN_TYPE = @READS_SIGN_TYPE@;
    static final List<Scheme> SCHEMES = new ArrayList<>(); // The first one holds where sign_type says nothing.
    static {
        SCHEMES.add(new Scheme(@ALGORITHM@, @BEFORE_KEY@, @KEY_FORM@, @SEPARATOR@, @UPPER@, @KEEP_EMPTY@,
            @NULLS@, List.of(@SIGNED@), List.of(@UNSIGNED@)));
    }
    static final String SUCCESS = @SUCCESS@;
    static final String REFUSAL = @REFUSAL@;
    // Fields that always come. Without them a value such as "x&fee=0" could swallow a field unseen.
    static final List<String> REQUIRED = List.of(@REQUIRED@);
    static final String STATUS_FIELD = @STATUS_FIELD@, METHOD = @METHOD@;
    static final String CONTENT_TYPE = @CONTENT_TYPE@; // Without one the fields are in the query.
    static final boolean STATUS_IS_NUMBER = @STATUS_IS_NUMBER@;
    static final int MAX_BODY = 65536, MAX_DEPTH = 127;

    /** A value: digits as written, nested values as compact JSON and as their children. */
    record Value(String kind, String text, Map<String, Value> children) {
        static final Value NOTHING = new Value("null", "", Map.of());
    }

    /** Reads JSON; an IllegalArgumentException where it is none, or has a name twice. */
    static final class Reader {
        static final Pattern WORD =
            Pattern.compile("true|false|null|-?(?:0|[1-9][0-9]*+)(?:\\.[0-9]++)?(?:[eE][+-]?[0-9]++)?");
        final String json;
        int at;

        Reader(String json) { this.json = json; }

        static Map<String, Value> members(byte[] body) {
            try {
                var text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(body)).toString();
                var value = document(text);
                if (value.kind.equals("object")) return value.children;
            } catch (java.nio.charset.CharacterCodingException ignored) { }
            throw new IllegalArgumentException("no JSON object");
        }

        static Value document(String text) {
            var reader = new Reader(text);
            var value = reader.value(1);
            if (reader.peek() != 0 || reader.at < text.length()) throw reader.wrong();
            return value;
        }

        IllegalArgumentException wrong() { return new IllegalArgumentException("wrong at " + at); }

        /** The next character that is no white space; 0 at the end. */
        char peek() {
            while (at < json.length() && " \t\n\r".indexOf(json.charAt(at)) >= 0) at++;
            return at < json.length() ? json.charAt(at) : 0;
        }

        boolean take(char wanted) {
            if (peek() != wanted || at >= json.length()) return false;
            at++;
            return true;
        }

        Value value(int depth) {
            char first = peek();
            if (first == '"') return new Value("string", string(), Map.of());
            if (first == '{' || first == '[') return nested(depth);
            var word = WORD.matcher(json).region(at, json.length());
            if (!word.lookingAt()) throw wrong();
            at = word.end();
            return switch (word.group()) {
                case "null" -> Value.NOTHING;
                case "true", "false" -> new Value("boolean", word.group(), Map.of());
                default -> new Value("number", word.group(), Map.of());
            };
        }

        Value nested(int depth) {
            boolean isObject = json.charAt(at++) == '{';
            char close = isObject ? '}' : ']';
            if (depth > MAX_DEPTH) throw wrong();
            var found = new LinkedHashMap<String, Value>();
            var compact = new StringJoiner(",", isObject ? "{" : "[", "" + close);
            if (take(close)) return new Value(isObject ? "object" : "array", compact.toString(), found);
            do {
                String name = "" + found.size();
                if (isObject && (peek() != '"' || found.containsKey(name = string()) || !take(':'))) throw wrong();
                var value = value(depth + 1);
                found.put(name, value);
                String text = value.kind.equals("string") ? quote(value.text) : value == Value.NOTHING ? "null" : value.text;
                compact.add(isObject ? quote(name) + ":" + text : text);
            } while (take(','));
            if (!take(close)) throw wrong();
            return new Value(isObject ? "object" : "array", compact.toString(), found);
        }

        String string() {
            var out = new StringBuilder();
            for (at++; at < json.length() && json.charAt(at) != '"'; at++) {
                char c = json.charAt(at);
                if (c < ' ') throw wrong();
                if (c != '\\') { out.append(c); continue; }
                if (++at >= json.length()) throw wrong();
                int plain = "\"\\/bfnrt".indexOf(json.charAt(at));
                if (plain >= 0) { out.append("\"\\/\b\f\n\r\t".charAt(plain)); continue; }
                String hex = json.substring(at, Math.min(at + 5, json.length()));
                if (!hex.matches("u[0-9a-fA-F]{4}")) throw wrong();
                out.append((char) Integer.parseInt(hex.substring(1), 16));
                at += 4;
            }
            // Half of a surrogate pair is not text.
            if (at++ >= json.length() || !StandardCharsets.UTF_8.newEncoder().canEncode(out)) throw wrong();
            return out.toString();
        }

        static String quote(String text) {
            var out = new StringBuilder("\"");
            for (char c : text.toCharArray()) {
                int escaped = "\"\\\b\f\n\r\t".indexOf(c);
                if (escaped >= 0) out.append('\\').append("\"\\bfnrt".charAt(escaped));
                else if (c < ' ') out.append(String.format("\\u%04x", (int) c));
                else out.append(c);
            }
            return out.append('"').toString();
        }
    }

    static byte[] bytes(String text) { return text.getBytes(StandardCharsets.UTF_8); }

    static String hash(String algorithm, String data, String key) {
        try {
            if (!algorithm.equals("hmac-sha256")) {
                var digest = MessageDigest.getInstance(algorithm.equals("sha256") ? "SHA-256" : "MD5");
                return HexFormat.of().formatHex(digest.digest(bytes(data)));
            }
            var mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(bytes(key), "HmacSHA256"));
            return HexFormat.of().formatHex(mac.doFinal(bytes(data)));
        } catch (java.security.GeneralSecurityException error) {
            throw new IllegalStateException(error);
        }
    }

    static String signature(Map<String, Value> members, Scheme scheme, String key) {
        var names = new ArrayList<>(members.keySet());
        names.sort((a, b) -> Arrays.compareUnsigned(bytes(a), bytes(b)));
        var pairs = new ArrayList<String>();
        for (String name : names) {
            String text = members.get(name).text;
            boolean isNull = members.get(name).kind.equals("null");
            boolean isKept = isNull ? !scheme.nulls.equals("drop") : !text.isEmpty() || scheme.keepEmpty;
            if (!isKept || scheme.unsigned.contains(name)) continue;
            if (!scheme.signed.isEmpty() && !scheme.signed.contains(name)) continue;
            pairs.add(name + "=" + (isNull && scheme.nulls.equals("text") ? "null" : text));
        }
        String keyText = switch (scheme.key) { case "plain" -> key; case "md5" -> hash("md5", key, ""); default -> ""; };
        String digest = hash(scheme.algorithm, String.join(scheme.separator, pairs) + scheme.beforeKey + keyText, key);
        return scheme.upper ? digest.toUpperCase(Locale.ROOT) : digest;
    }

    static Scheme scheme(String algorithm) {
        return SCHEMES.stream().filter(scheme -> scheme.algorithm.equals(algorithm)).findFirst().orElse(null);
    }

    static boolean verified(Map<String, Value> members, String key) {
        var sign = members.getOrDefault(SIGN_FIELD, Value.NOTHING);
        var said = READS_SIGN_TYPE ? members.getOrDefault("sign_type", Value.NOTHING) : Value.NOTHING;
        var scheme = SCHEMES.get(0);
        if (!said.text.isEmpty()) {
            scheme = said.kind.equals("string") ? scheme(said.text.toLowerCase(Locale.ROOT)) : null;
        } else if (sign.text.matches("[0-9a-fA-F]{64}")) {
            scheme = Objects.requireNonNullElse(scheme("hmac-sha256"), Objects.requireNonNullElse(scheme("sha256"), scheme));
        }
        return scheme != null && sign.kind.equals("string") && !sign.text.isEmpty()
            && MessageDigest.isEqual(bytes(signature(members, scheme, key)), bytes(sign.text));
    }

    /** Whether the fields are there, plain, and not hidden inside another value. */
    static boolean usable(Map<String, Value> members) {
        var names = new ArrayList<>(REQUIRED);
        names.add("real_amount");
        for (String name : names) {
            var value = members.getOrDefault(name, Value.NOTHING);
            boolean isPlain = value.kind.equals("string") || value.kind.equals("number");
            if (REQUIRED.contains(name) && (!isPlain || value.text.isEmpty())) return false;
            String hidden = SCHEMES.get(0).separator + name + "=";
            if (members.values().stream().anyMatch(other -> other.text.contains(hidden))) return false;
        }
        return !STATUS_IS_NUMBER || members.get(STATUS_FIELD).text.matches("[0-9]+");
    }

    /** Called for every verified notification, duplicates and late ones included. */
    static void settle(Map<String, Value> members) {
        // credit once: in the transaction that stores @ID_FIELD@
        //   BEGIN; INSERT INTO payouts(payout_id, ...) ... ON CONFLICT DO NOTHING; credit or refund only where a
        //   row was inserted or its status became final; COMMIT. Throw where that fails: it is sent again.
        // @STATUS_NOTE@
    }

    /** The same of the pairs of a form or a query, whose values are all texts. */
    static Map<String, Value> pairs(String text) {
        var members = new HashMap<String, Value>();
        for (String pair : text.split("&", -1)) {
            var parts = pair.split("=", -1);
            if (parts.length != 2) throw new IllegalArgumentException("no pair");
            String name = URLDecoder.decode(parts[0], StandardCharsets.UTF_8);
            String value = URLDecoder.decode(parts[1], StandardCharsets.UTF_8);
            var member = new Value("string", value, Map.of());
            // The decoder puts U+FFFD in the place of what is not UTF-8.
            if (members.put(name, member) != null || (name + value).contains("\uFFFD")) {
                throw new IllegalArgumentException("a name twice, or no UTF-8");
            }
        }
        return members;
    }

    record Answer(int status, String code) {}

    static Answer answer(HttpExchange exchange, List<String> keys) throws IOException {
        if (!exchange.getRequestMethod().equals(METHOD)) return new Answer(405, "0023");
        String type = Objects.requireNonNullElse(exchange.getRequestHeaders().getFirst("Content-Type"), "");
        boolean isTyped = type.split(";", 2)[0].trim().equalsIgnoreCase(CONTENT_TYPE);
        if (!CONTENT_TYPE.isEmpty() && !isTyped) return new Answer(415, "0022");
        byte[] body = exchange.getRequestBody().readNBytes(MAX_BODY + 1);
        if (body.length > MAX_BODY) return new Answer(413, "0002");
        Map<String, Value> members;
        try {
            String query = Objects.requireNonNullElse(exchange.getRequestURI().getRawQuery(), "");
            members = CONTENT_TYPE.equals("application/json") ? Reader.members(body)
                : pairs(CONTENT_TYPE.isEmpty() ? query : new String(body, StandardCharsets.UTF_8));
        } catch (IllegalArgumentException error) {
            return new Answer(400, "0021");
        }
        if (keys.stream().noneMatch(key -> verified(members, key))) return new Answer(401, "0004");
        if (!usable(members)) return new Answer(400, "0002");
        settle(members);
        return new Answer(200, "0000");
    }

    static void handle(HttpExchange exchange, List<String> keys) throws IOException {
        Answer answer;
        try {
            answer = answer(exchange, keys);
        } catch (RuntimeException error) {
            answer = new Answer(500, "9999");
        }
        byte[] text = bytes(answer.status == 200 ? SUCCESS : REFUSAL.replace("CODE", answer.code));
        boolean isJson = SUCCESS.startsWith("{");
        exchange.getResponseHeaders().set("Content-Type", isJson ? "application/json;charset=utf-8" : "text/plain");
        boolean isHead = exchange.getRequestMethod().equals("HEAD");
        exchange.sendResponseHeaders(answer.status, isHead ? -1 : text.length);
        if (!isHead) exchange.getResponseBody().write(text);
        exchange.close();
    }

    static int selftest(String[] paths) throws IOException {
        int checks = 0, failures = 0;
        for (String path : paths) {
            var data = Reader.document(Files.readString(Path.of(path)));
            for (var vector : data.kind.equals("array") ? data.children.values() : List.of(data)) {
                for (var scheme : SCHEMES) {
                    var tries = new ArrayList<Map.Entry<Value, Boolean>>();
                    String ok = scheme.algorithm.equals("md5") ? "OK-MD5" : "OK-HMAC";
                    for (var one : vector.children.getOrDefault("cases", Value.NOTHING).children.values())
                        tries.add(Map.entry(one.children.get("digest"), one.children.get("code").text.equals(ok)));
                    var right = vector.children.get(scheme.algorithm.replace('-', '_'));
                    if (right != null) {
                        tries.add(Map.entry(right, true));
                        String other = scheme.upper ? right.text.toLowerCase(Locale.ROOT) : right.text.toUpperCase(Locale.ROOT);
                        for (String wrong : List.of(other, right.text.substring(1), ""))
                            tries.add(Map.entry(new Value("string", wrong, Map.of()), false));
                        tries.add(Map.entry(new Value("boolean", "true", Map.of()), false));
                    }
                    for (var one : tries) {
                        var members = Reader.members(bytes(vector.children.get("payload").text));
                        members.put(SIGN_FIELD, one.getKey());
                        if (scheme.unsigned.contains("sign_type")) members.put("sign_type", new Value("string", scheme.algorithm, Map.of()));
                        checks++;
                        if (verified(members, vector.children.get("key").text) == one.getValue()) continue;
                        failures++;
                        System.out.println("failed: " + vector.children.getOrDefault("id", Value.NOTHING).text + " " + scheme.algorithm);
                    }
                }
            }
        }
        System.out.println(failures > 0 ? failures + " of " + checks + " checks failed" : "ok: " + checks + " checks");
        return failures > 0 || checks == 0 ? 1 : 0;
    }

    public static void main(String[] arguments) throws IOException {
        if (arguments.length > 0) System.exit(selftest(arguments));
        String key = System.getenv().getOrDefault("PAYOUT_NOTIFY_KEY", "");
        if (key.isEmpty()) {
            System.err.println("set PAYOUT_NOTIFY_KEY");
            System.exit(1);
        }
        String retired = System.getenv().getOrDefault("PAYOUT_NOTIFY_RETIRED_KEY", "");
        var keys = retired.isEmpty() ? List.of(key) : List.of(key, retired); // Anyone can sign with an empty key.
        System.setProperty("sun.net.httpserver.maxReqTime", "10"); // seconds
        int port = Integer.parseInt(System.getenv().getOrDefault("PORT", "8080"));
        var server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
        server.createContext("/", exchange -> handle(exchange, keys));
        server.setExecutor(Executors.newFixedThreadPool(32));
        server.start();
        System.out.println("listening on http://127.0.0.1:" + server.getAddress().getPort() + "/");
    }
}
