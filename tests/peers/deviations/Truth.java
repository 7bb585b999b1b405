// Java's share of the invalid signatures. Run by generate.py, whose head says how to regenerate.

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.text.Collator;
import java.text.DecimalFormat;
import java.text.DecimalFormatSymbols;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public class Truth {
    record Token(String name, String kind, String text) {}

    static String name;
    static String key;
    static boolean hmac;
    static List<Token> tokens;

    public static void main(String[] arguments) throws Exception {
        Map<String, List<String[]>> payloads = new LinkedHashMap<>();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] fields = line.split("\t", -1);
            payloads.computeIfAbsent(fields[0], n -> new ArrayList<>()).add(fields);
        }
        for (List<String[]> lines : payloads.values()) {
            name = lines.get(0)[0];
            key = lines.get(0)[1];
            hmac = lines.get(0)[2].equals("hmac");
            tokens = new ArrayList<>();
            for (String[] fields : lines) {
                tokens.add(new Token(text(fields[3]), text(fields[4]), text(fields[5])));
            }
            cases();
        }
    }

    static String text(String hex) {
        return new String(HexFormat.of().parseHex(hex), StandardCharsets.UTF_8);
    }

    static List<Token> kept() {
        List<Token> kept = new ArrayList<>();
        for (Token t : tokens) {
            if (!t.name.equals("sign") && !t.name.equals("sign_type") && !t.kind.equals("null") && !t.text.isEmpty()) {
                kept.add(t);
            }
        }
        return kept;
    }

    static List<Token> sorted(Comparator<Token> order) {
        List<Token> kept = kept();
        kept.sort(order);
        return kept;
    }

    static String join(List<Token> tokens) {
        return tokens.stream().map(t -> t.name + "=" + t.text).collect(Collectors.joining("&"));
    }

    static byte[] md5(byte[] bytes) throws Exception {
        return MessageDigest.getInstance("MD5").digest(bytes);
    }

    static byte[] mac(byte[] text, byte[] key) throws Exception {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        return mac.doFinal(text);
    }

    static byte[] finish(byte[] string) throws Exception {
        if (hmac) {
            return mac(string, key.getBytes(StandardCharsets.UTF_8));
        }
        byte[] end = ("&" + key).getBytes(StandardCharsets.UTF_8);
        byte[] all = new byte[string.length + end.length];
        System.arraycopy(string, 0, all, 0, string.length);
        System.arraycopy(end, 0, all, string.length, end.length);
        return md5(all);
    }

    static String hex(byte[] digest) {
        return HexFormat.of().formatHex(digest);
    }

    static void out(String mistake, String sign, String... says) {
        String list = List.of(says).stream().map(s -> "\"" + s + "\"").collect(Collectors.joining(","));
        System.out.println("{\"mistake\":\"" + mistake + "\",\"payload\":\"" + name + "\",\"sign\":\"" + sign + "\",\"says\":[" + list + "]}");
    }

    static void string(String mistake, String string, String... says) throws Exception {
        out(mistake, hex(finish(string.getBytes(StandardCharsets.UTF_8))), says);
    }

    static String values(UnaryOperator<String> change, String... kinds) {
        List<String> of = List.of(kinds);
        return join(sorted(Comparator.comparing(Token::name)).stream()
            .map(t -> of.contains(t.kind) ? new Token(t.name, t.kind, change.apply(t.text)) : t).toList());
    }

    static String numbers(UnaryOperator<String> change) {
        return values(change, "number");
    }

    static String amounts(UnaryOperator<String> change) {
        List<String> names = List.of("amount", "real_amount", "fee");
        return join(sorted(Comparator.comparing(Token::name)).stream()
            .map(t -> names.contains(t.name) ? new Token(t.name, t.kind, change.apply(t.text)) : t).toList());
    }

    static boolean fraction(String digits) {
        return digits.contains(".") || digits.contains("E") || digits.contains("e");
    }

    // A JSON array or object of texts, small whole numbers and objects, as a parser with boxed types holds it.
    static Object parse(String json, int[] at, boolean gson) {
        char c = json.charAt(at[0]);
        if (c == '[' || c == '{') {
            List<Object> list = new ArrayList<>();
            Map<String, Object> map = new LinkedHashMap<>();
            at[0]++;
            while (json.charAt(at[0]) != ']' && json.charAt(at[0]) != '}') {
                Object item = parse(json, at, gson);
                if (c == '{') {
                    at[0]++;
                    map.put((String) item, parse(json, at, gson));
                } else {
                    list.add(item);
                }
                if (json.charAt(at[0]) == ',') {
                    at[0]++;
                }
            }
            at[0]++;
            return c == '[' ? list : map;
        }
        int end = at[0];
        if (c == '"') {
            end = json.indexOf('"', at[0] + 1);
            String text = json.substring(at[0] + 1, end);
            at[0] = end + 1;
            return text;
        }
        while (Character.isDigit(json.charAt(end))) {
            end++;
        }
        String digits = json.substring(at[0], end);
        at[0] = end;
        if (gson) {
            return Double.valueOf(digits);
        }
        return Integer.valueOf(digits);
    }

    static void cases() throws Exception {
        String s = join(sorted(Comparator.comparing(Token::name)));
        byte[] right = finish(s.getBytes(StandardCharsets.UTF_8));

        // The digest and how it is written.
        out("toUpperCase", hex(right).toUpperCase(), "upper");
        out("BigInteger", new BigInteger(1, right).toString(16), "no-leading-zeros", "no-byte-padding");
        out("BigInteger-signed", new BigInteger(right).toString(16), "signed-number", "no-leading-zeros", "no-byte-padding");
        StringBuilder unpadded = new StringBuilder();
        StringBuilder extended = new StringBuilder();
        for (byte b : right) {
            unpadded.append(Integer.toHexString(b & 0xff));
            extended.append(Integer.toHexString(b));
        }
        out("toHexString", unpadded.toString(), "no-byte-padding", "no-leading-zeros");
        out("toHexString-signed", extended.toString(), "sign-extended", "no-byte-padding");
        out("Base64", Base64.getEncoder().encodeToString(right), "base64");
        out("Base64-url", Base64.getUrlEncoder().withoutPadding().encodeToString(right), "base64");
        if (!hmac) {
            out("substring", hex(right).substring(8, 24), "middle-16");
            out("wechat", hex(md5((s + "&key=" + key).getBytes(StandardCharsets.UTF_8))).toUpperCase(), "key-prefix+upper");
            out("alipay", hex(md5((s + key).getBytes(StandardCharsets.UTF_8))), "no-separator");
            out("null-key", hex(md5((s + "&" + null).getBytes(StandardCharsets.UTF_8))), "key-null");
            out("utf-16", hex(md5((s + "&" + key).getBytes(StandardCharsets.UTF_16LE))), "utf-16-text");
            out("utf-16-be", hex(md5((s + "&" + key).getBytes(StandardCharsets.UTF_16))), "utf-16-bom-text");
        } else {
            out("swapped", hex(mac(key.getBytes(StandardCharsets.UTF_8), s.getBytes(StandardCharsets.UTF_8))), "hmac-swapped");
        }

        // Order.
        string("HashMap-linked", join(kept()), "doc-order");
        string("CASE_INSENSITIVE_ORDER", join(sorted(Comparator.comparing(Token::name, String.CASE_INSENSITIVE_ORDER))), "case-insensitive");
        Collator collator = Collator.getInstance(Locale.US);
        string("Collator", join(sorted(Comparator.comparing(Token::name, collator))), "locale-order", "case-insensitive");
        string("reverseOrder", join(sorted(Comparator.comparing(Token::name, Collections.reverseOrder()))), "reverse-order");
        string("sorted-pairs", join(sorted(Comparator.comparing(t -> t.name + "=" + t.text))), "sorted-pairs");
        string("length", join(sorted(Comparator.<Token>comparingInt(t -> t.name.length()).thenComparing(Token::name))), "length-order");
        if (name.matches("plain|hmac|extra|near|null")) {
            Map<String, String> hashed = new java.util.HashMap<>();
            kept().forEach(t -> hashed.put(t.name, t.text));
            string("HashMap", hashed.entrySet().stream().map(e -> e.getKey() + "=" + e.getValue()).collect(Collectors.joining("&")), "hash-order", "doc-order");
        }

        // Which fields.
        List<Token> all = tokens.stream().filter(t -> !t.name.equals("sign_type")).sorted(Comparator.comparing(Token::name)).toList();
        string("String.valueOf-null", join(all.stream().filter(t -> t.kind.equals("null") || !t.text.isEmpty())
            .map(t -> t.kind.equals("null") ? new Token(t.name, t.kind, String.valueOf((Object) null)) : t).toList()), "null-text");
        string("null-and-empty", join(all.stream()
            .map(t -> t.kind.equals("null") ? new Token(t.name, t.kind, String.valueOf((Object) null)) : t).toList()), "null-text", "keep-empty", "keep-empty-string", "keep-empty+null-text");
        string("isBlank", join(all.stream().filter(t -> !t.kind.equals("null") && !t.text.isBlank()).toList()), "drop-blank");
        string("isEmpty-missing", join(all.stream().filter(t -> !t.kind.equals("null")).toList()), "keep-empty-string");

        // Value text.
        String[] encoded = {"string", "array", "object"};
        string("URLEncoder", values(t -> URLEncoder.encode(t, StandardCharsets.UTF_8), encoded), "urlencode-java", "urlencode");
        string("URLEncoder-20", values(t -> URLEncoder.encode(t, StandardCharsets.UTF_8).replace("+", "%20"), encoded), "urlencode-raw", "urlencode", "urlencode-java-20");
        string("URLEncoder-3986", values(t -> URLEncoder.encode(t, StandardCharsets.UTF_8).replace("+", "%20").replace("*", "%2A").replace("%7E", "~"), encoded), "urlencode-raw", "urlencode");
        string("URLEncoder-lower", values(t -> URLEncoder.encode(t, StandardCharsets.UTF_8).toLowerCase(), encoded), "urlencode-lower-all-java", "urlencode-lower-all", "urlencode-lower", "lower-case-string");
        string("URLEncoder-GBK", values(t -> URLEncoder.encode(t, Charset.forName("GBK")), encoded), "urlencode-gbk", "urlencode", "urlencode-java");
        string("URLDecoder", values(t -> {
            try {
                return URLDecoder.decode(t, StandardCharsets.UTF_8);
            } catch (IllegalArgumentException broken) {
                return t;
            }
        }, "string"), "urldecode", "plus-to-space", "urldecode-percent");
        string("trim", values(String::trim, encoded), "trimmed", "trimmed-ascii", "drop-blank");
        string("strip", values(String::strip, encoded), "trimmed", "drop-blank");
        out("GBK", hex(finish(s.getBytes(Charset.forName("GBK")))), "gbk");
        out("ISO-8859-1", hex(finish(s.getBytes(StandardCharsets.ISO_8859_1))), "latin-1", "question-marks");
        out("US-ASCII", hex(finish(s.getBytes(StandardCharsets.US_ASCII))), "question-marks", "latin-1");
        string("read-as-latin-1", new String(s.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1), "double-utf8");
        string("read-as-1252", new String(s.getBytes(StandardCharsets.UTF_8), Charset.forName("windows-1252")), "double-utf8", "double-utf8-1252");

        // Numbers.
        string("Double", numbers(t -> Double.toString(Double.parseDouble(t))), "float-java", "float-python");
        string("Double-fractions", numbers(t -> fraction(t) ? Double.toString(Double.parseDouble(t)) : t), "number-java", "number-python", "float-java");
        string("amount-double", amounts(t -> Double.toString(Double.parseDouble(t))), "amount-float", "amount-float-java", "float-java", "number-java");
        string("BigDecimal-stripped", values(t -> t.matches("-?\\d+\\.\\d+") ? new BigDecimal(t).stripTrailingZeros().toPlainString() : t, "string", "number"), "decimals-reprinted");
        string("BigDecimal-stripped-scientific", values(t -> t.matches("-?\\d+\\.\\d+") ? new BigDecimal(t).stripTrailingZeros().toString() : t, "string", "number"), "decimals-stripped", "decimals-reprinted");
        string("amount-stripped-scientific", amounts(t -> new BigDecimal(t).stripTrailingZeros().toString()), "amount-stripped", "decimals-reprinted");
        string("BigDecimal", numbers(t -> new BigDecimal(t).toString()), "number-decimal");
        string("toPlainString", numbers(t -> new BigDecimal(t).toPlainString()), "number-plain", "float-js", "float-js");
        DecimalFormat format = new DecimalFormat("0.00", DecimalFormatSymbols.getInstance(Locale.US));
        string("DecimalFormat", amounts(t -> format.format(new BigDecimal(t))), "amount-two-decimals");
        string("yuan", amounts(t -> t.matches("\\d+") ? new BigDecimal(t).movePointLeft(2).toString() : t), "yuan");
        string("yuan-double", amounts(t -> t.matches("\\d+") ? Double.toString(Long.parseLong(t) / 100.0) : t), "yuan-float", "yuan-short");
        string("longValue", values(t -> t.matches("-?\\d+\\.\\d+") ? Long.toString((long) Double.parseDouble(t)) : t, "string", "number"), "truncated");

        // Nested values.
        string("List.toString", values(t -> parse(t + " ", new int[1], false).toString(), "array"), "array-java", "array-only-java");
        string("toString", values(t -> parse(t + " ", new int[1], false).toString(), "array", "object"), "array-java");
        string("toString-gson", values(t -> parse(t + " ", new int[1], true).toString(), "array", "object"), "array-java-gson", "array-java");
        string("gson", join(sorted(Comparator.comparing(Token::name)).stream().map(t -> switch (t.kind) {
            case "array", "object" -> new Token(t.name, t.kind, parse(t.text + " ", new int[1], true).toString());
            case "number" -> new Token(t.name, t.kind, Double.toString(Double.parseDouble(t.text)));
            default -> t;
        }).toList()), "printed-gson", "float-java", "array-java-gson", "float-python");

        // Shape.
        Map<String, String> map = new TreeMap<>();
        kept().forEach(t -> map.put(t.name, t.text));
        string("Map.toString", map.toString(), "map-java");
        string("Map.toString-inner", map.toString().substring(1, map.toString().length() - 1), "comma-space");
        string("values", String.join("", map.values()), "values-only");
    }
}
