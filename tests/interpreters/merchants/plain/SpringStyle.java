// A payout notification handler in Spring's idiom, on the JDK alone.
//
//     java SpringStyle.java PORT FOLDER
//
// It knows the orders of FOLDER/orders.txt ("payout_cl_id amount" per line) and keeps its books in FOLDER/books.txt:
// "payout_cl_id<TAB>credited|refunded<TAB>cents".

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Executors;

public class SpringStyle {
    static final String KEY = "ThisIsYourSecretKey123";

    static Path folder;
    static final Map<String, Integer> closed = new HashMap<>();

    static class HttpError extends RuntimeException {
        final int status;

        HttpError(int status) {
            this.status = status;
        }
    }

    /** A small reader of JSON objects; numbers keep their digits, as BigDecimal does in Jackson. */
    static class Json {
        record Number(String digits) {
        }

        final String text;
        int at = 0;

        Json(String text) {
            this.text = text;
        }

        static Object read(String text) {
            Json json = new Json(text);
            Object value = json.value(0);
            json.space();
            if (json.at != text.length()) {
                throw new HttpError(400);
            }
            return value;
        }

        void space() {
            while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
                at++;
            }
        }

        char next() {
            if (at >= text.length()) {
                throw new HttpError(400);
            }
            return text.charAt(at++);
        }

        boolean skip(char expected) {
            space();
            if (at < text.length() && text.charAt(at) == expected) {
                at++;
                return true;
            }
            return false;
        }

        Object value(int depth) {
            if (depth > 100) {
                throw new HttpError(400);
            }
            space();
            if (skip('{')) {
                Map<String, Object> object = new LinkedHashMap<>();
                if (skip('}')) {
                    return object;
                }
                do {
                    space();
                    if (next() != '"') {
                        throw new HttpError(400);
                    }
                    String name = string();
                    if (!skip(':')) {
                        throw new HttpError(400);
                    }
                    object.put(name, value(depth + 1));
                } while (skip(','));
                if (!skip('}')) {
                    throw new HttpError(400);
                }
                return object;
            }
            if (skip('[')) {
                List<Object> list = new ArrayList<>();
                if (skip(']')) {
                    return list;
                }
                do {
                    list.add(value(depth + 1));
                } while (skip(','));
                if (!skip(']')) {
                    throw new HttpError(400);
                }
                return list;
            }
            if (skip('"')) {
                return string();
            }
            int start = at;
            while (at < text.length() && "+-.0123456789abcdefghijklmnopqrstuvwxyzE".indexOf(text.charAt(at)) >= 0) {
                at++;
            }
            String word = text.substring(start, at);
            if (word.equals("null")) {
                return null;
            }
            if (word.equals("true") || word.equals("false")) {
                return Boolean.valueOf(word);
            }
            if (!word.matches("-?[0-9]+(\\.[0-9]+)?([eE][+-]?[0-9]+)?")) {
                throw new HttpError(400);
            }
            return new Number(word);
        }

        String string() {
            StringBuilder out = new StringBuilder();
            while (true) {
                char letter = next();
                if (letter == '"') {
                    return out.toString();
                }
                if (letter != '\\') {
                    out.append(letter);
                    continue;
                }
                char escape = next();
                if (escape == 'u') {
                    if (at + 4 > text.length()) {
                        throw new HttpError(400);
                    }
                    out.append((char) Integer.parseInt(text.substring(at, at + 4), 16));
                    at += 4;
                } else {
                    int known = "\"\\/bfnrt".indexOf(escape);
                    if (known < 0) {
                        throw new HttpError(400);
                    }
                    out.append("\"\\/\b\f\n\r\t".charAt(known));
                }
            }
        }
    }

    static String text(Object value, boolean isInner) {
        if (value instanceof Json.Number number) {
            return number.digits();
        }
        if (value instanceof String string) {
            return isInner ? '"' + string + '"' : string;
        }
        if (value instanceof List<?> list) {
            return "[" + String.join(",", list.stream().map(one -> text(one, true)).toList()) + "]";
        }
        return String.valueOf(value);
    }

    static String sign(Map<String, Object> body) throws Exception {
        List<String> pairs = new ArrayList<>();
        new TreeMap<>(body).forEach((name, value) -> {
            if (!name.equals("sign") && !name.equals("sign_type") && value != null && !value.equals("")) {
                pairs.add(name + "=" + text(value, false));
            }
        });
        String joined = String.join("&", pairs) + "&" + KEY;
        byte[] digest = MessageDigest.getInstance("MD5").digest(joined.getBytes(StandardCharsets.UTF_8));
        return HexFormat.of().formatHex(digest);
    }

    static String notify(Map<String, Object> body) throws Exception {
        Object sign = body.get("sign");
        if (!(sign instanceof String given) || !MessageDigest.isEqual(sign(body).getBytes(), given.getBytes())) {
            return "0004";
        }
        String order = (String) body.get("payout_cl_id");
        long amount = Long.parseLong(text(body.get("amount"), false));
        int status = Integer.parseInt(text(body.get("status"), false));
        synchronized (closed) {
            Long expected = amount(order);
            if (expected == null || expected != amount) {
                return "0002";
            }
            if (status >= 3 && status <= 5 && !closed.containsKey(order)) {
                String line = order + "\t" + (status == 3 ? "credited" : "refunded") + "\t" + amount + "\n";
                Files.writeString(folder.resolve("books.txt"), line, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
                closed.put(order, status);
            }
        }
        return "0000";
    }

    static Long amount(String order) throws IOException {
        for (String line : Files.readAllLines(folder.resolve("orders.txt"))) {
            int cut = line.lastIndexOf(' ');
            if (cut >= 0 && line.substring(0, cut).equals(order)) {
                return Long.valueOf(line.substring(cut + 1));
            }
        }
        return null;
    }

    static void handle(HttpExchange exchange) throws IOException {
        int status = 200;
        String answer;
        try {
            if (!exchange.getRequestMethod().equals("POST")) {
                throw new HttpError(405);
            }
            String type = exchange.getRequestHeaders().getFirst("Content-Type");
            if (type == null || !type.split(";")[0].trim().equalsIgnoreCase("application/json")) {
                throw new HttpError(415);
            }
            String text = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
            if (!(Json.read(text) instanceof Map<?, ?> map)) {
                throw new HttpError(400);
            }
            Map<String, Object> body = new HashMap<>();
            map.forEach((name, value) -> body.put((String) name, value));
            answer = "{\"error_code\":\"" + notify(body) + "\"}";
        } catch (HttpError error) {
            status = error.status;
            answer = "{\"status\":" + status + "}";
        } catch (Exception error) {
            status = 500;
            answer = "{\"status\":500,\"error\":\"Internal Server Error\"}";
        }
        byte[] bytes = answer.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(status, bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    public static void main(String[] arguments) throws IOException {
        folder = Path.of(arguments[1]);
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(arguments[0])), 128);
        server.createContext("/notify", SpringStyle::handle);
        server.setExecutor(Executors.newFixedThreadPool(16));
        server.start();
        System.out.println("http://127.0.0.1:" + server.getAddress().getPort() + "/notify");
    }
}
