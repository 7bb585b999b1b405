// Verifies and acknowledges payout notifications signed as the dialect @DIALECT@ says. Go 1.19 or later.
// Serve: PAYOUT_NOTIFY_KEY=... PORT=8080 go run notify.go
// In a rotation PAYOUT_NOTIFY_RETIRED_KEY is accepted too.
// Test:  go run notify.go VECTORS.json ...
package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

const signField = @SIGN_FIELD@
const readsSignType = @READS_SIGN_TYPE@
const success = @SUCCESS@
const refusal = @REFUSAL@
const maxBody, maxDepth = 65536, 127

type scheme struct {
	algorithm, beforeKey, key, separator string
	upper, keepEmpty                     bool
	nulls                                string
	signed, unsigned                     []string
}

// The first one holds where sign_type says nothing.
var schemes = []scheme{
	{@ALGORITHM@, @BEFORE_KEY@, @KEY_FORM@, @SEPARATOR@, @UPPER@, @KEEP_EMPTY@, @NULLS@, []string{@SIGNED@}, []string{@UNSIGNED@}},
}

// Fields that always come. Without them a value such as "x&fee=0" could swallow a field unseen.
var required = []string{@REQUIRED@}

// Without a content type the fields are in the query.
const statusField, statusIsNumber, method, contentType = @STATUS_FIELD@, @STATUS_IS_NUMBER@, @METHOD@, @CONTENT_TYPE@

type value struct{ kind, text string }
type member struct {
	name string
	value
}

var errJSON = errors.New("no JSON object, a name twice, or nested too deep")
var token = regexp.MustCompile(`^[ \t\n\r]*("(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"` +
	`|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null|[{}\[\],:]|$)`)
var digest64 = regexp.MustCompile(`^[0-9a-fA-F]{64}$`)
var digits = regexp.MustCompile(`^[0-9]+$`)

type scanner struct{ rest, token string }

// next moves to the next token; "" at the end, "?" where there is none.
func (s *scanner) next() {
	found := token.FindStringSubmatchIndex(s.rest)
	if found == nil {
		s.token = "?"
		return
	}
	s.token, s.rest = s.rest[found[2]:found[3]], s.rest[found[1]:]
}

// parse gives the members of a JSON object in their order.
func parse(body []byte) ([]member, error) {
	s := scanner{rest: string(body)}
	if s.next(); !utf8.Valid(body) || s.token != "{" {
		return nil, errJSON
	}
	members, err := s.children(1)
	if err != nil || s.token != "" {
		return nil, errJSON
	}
	return members, nil
}

// children reads the members of an object, or the values of an array under no name.
func (s *scanner) children(depth int) (found []member, err error) {
	end, seen := map[string]string{"{": "}", "[": "]"}[s.token], map[string]bool{}
	s.next()
	for s.token != end || len(found) > 0 {
		var name, v value
		if end == "}" {
			name, err = s.value(maxDepth)
			if err != nil || name.kind != "string" || seen[name.text] || s.token != ":" {
				return nil, errJSON
			}
			seen[name.text] = true
			s.next()
		}
		if v, err = s.value(depth); err != nil {
			return nil, err
		}
		found = append(found, member{name.text, v})
		if s.token == end {
			break
		}
		if s.token != "," {
			return nil, errJSON
		}
		s.next()
	}
	s.next()
	return found, nil
}

// value reads one value: digits as written, nested values as compact JSON.
func (s *scanner) value(depth int) (value, error) {
	t := s.token
	switch {
	case t == "{" || t == "[":
		if depth >= maxDepth {
			return value{}, errJSON
		}
		found, err := s.children(depth + 1)
		var parts []string
		for _, m := range found {
			text := m.text
			if m.kind == "string" {
				text = quote(text)
			} else if m.kind == "null" {
				text = "null"
			}
			if t == "{" {
				text = quote(m.name) + ":" + text
			}
			parts = append(parts, text)
		}
		if t == "{" {
			return value{"object", "{" + strings.Join(parts, ",") + "}"}, err
		}
		return value{"array", "[" + strings.Join(parts, ",") + "]"}, err
	case t == "null":
		s.next()
		return value{"null", ""}, nil
	case t == "true" || t == "false":
		s.next()
		return value{"boolean", t}, nil
	case t != "" && strings.ContainsAny(t[:1], "-0123456789"):
		s.next()
		return value{"number", t}, nil
	case t != "" && t[0] == '"':
		s.next()
		text, err := unquote(t[1 : len(t)-1])
		return value{"string", text}, err
	}
	return value{}, errJSON
}

// unquote resolves escapes; half of a surrogate pair is refused, which encoding/json would replace.
func unquote(text string) (string, error) {
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			out.WriteByte(text[i])
			continue
		}
		i++
		if at := strings.IndexByte(`"\/bfnrt`, text[i]); at >= 0 {
			out.WriteByte("\"\\/\b\f\n\r\t"[at])
			continue
		}
		unit, _ := strconv.ParseUint(text[i+1:i+5], 16, 16)
		i += 4
		char := rune(unit)
		if utf16.IsSurrogate(char) {
			char = utf8.RuneError
			if len(text) > i+6 && text[i+1:i+3] == `\u` {
				second, _ := strconv.ParseUint(text[i+3:i+7], 16, 16)
				char = utf16.DecodeRune(rune(unit), rune(second))
				i += 6
			}
			if char == utf8.RuneError {
				return "", errJSON
			}
		}
		out.WriteRune(char)
	}
	return out.String(), nil
}

func quote(text string) string {
	out := []byte{'"'}
	for i := 0; i < len(text); i++ {
		if at := strings.IndexByte("\"\\\b\f\n\r\t", text[i]); at >= 0 {
			out = append(out, '\\', `"\bfnrt`[at])
		} else if text[i] < ' ' {
			out = fmt.Appendf(out, `\u%04x`, text[i])
		} else {
			out = append(out, text[i])
		}
	}
	return string(append(out, '"'))
}

func contains(names []string, name string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}

func signature(members []member, s scheme, key string) string {
	var pairs []member
	for _, m := range members {
		isKept := m.text != "" || s.keepEmpty
		if m.kind == "null" {
			isKept = s.nulls != "drop"
			if s.nulls == "text" {
				m.text = "null"
			}
		}
		if isKept && !contains(s.unsigned, m.name) && (len(s.signed) == 0 || contains(s.signed, m.name)) {
			pairs = append(pairs, m)
		}
	}
	sort.Slice(pairs, func(a, b int) bool { return pairs[a].name < pairs[b].name })
	var texts []string
	for _, m := range pairs {
		texts = append(texts, m.name+"="+m.text)
	}
	inner := md5.Sum([]byte(key))
	shown := map[string]string{"plain": key, "md5": hex.EncodeToString(inner[:]), "none": ""}[s.key]
	hash := md5.New()
	if s.algorithm == "hmac-sha256" {
		hash = hmac.New(sha256.New, []byte(key))
	} else if s.algorithm == "sha256" {
		hash = sha256.New()
	}
	io.WriteString(hash, strings.Join(texts, s.separator)+s.beforeKey+shown)
	digest := hex.EncodeToString(hash.Sum(nil))
	if s.upper {
		return strings.ToUpper(digest)
	}
	return digest
}

func get(members []member, name string) value {
	for _, m := range members {
		if m.name == name {
			return m.value
		}
	}
	return value{"null", ""}
}

func verified(members []member, key string) bool {
	sign, said, algorithm := get(members, signField), value{"null", ""}, schemes[0].algorithm
	if readsSignType {
		said = get(members, "sign_type")
	}
	if said.text != "" {
		algorithm = said.kind + ":"
		if said.kind == "string" {
			algorithm = strings.ToLower(said.text)
		}
	} else if digest64.MatchString(sign.text) {
		for _, s := range schemes {
			if s.algorithm == "hmac-sha256" || s.algorithm == "sha256" && algorithm != "hmac-sha256" {
				algorithm = s.algorithm
			}
		}
	}
	for _, s := range schemes {
		if s.algorithm == algorithm {
			return sign.kind == "string" && sign.text != "" &&
				hmac.Equal([]byte(signature(members, s, key)), []byte(sign.text))
		}
	}
	return false
}

// usable reports whether the fields are there, plain, and not hidden inside another value.
func usable(members []member) bool {
	for _, name := range append([]string{"real_amount"}, required...) {
		v := get(members, name)
		if name != "real_amount" && (v.text == "" || v.kind != "string" && v.kind != "number") {
			return false
		}
		for _, m := range members {
			if strings.Contains(m.text, schemes[0].separator+name+"=") {
				return false
			}
		}
	}
	return !statusIsNumber || digits.MatchString(get(members, statusField).text)
}

// settle is called for every verified notification, duplicates and late ones included.
func settle(members []member) error {
	// credit once: in the transaction that stores @ID_FIELD@
	//   BEGIN; INSERT INTO payouts(payout_id, ...) ... ON CONFLICT DO NOTHING; credit or refund only where a
	//   row was inserted or its status became final; COMMIT. Return the error where that fails: it is sent again.
	// @STATUS_NOTE@
	return nil
}

// pairs gives the same of a form or a query, whose values are all texts.
func pairs(text string) ([]member, error) {
	values, err := url.ParseQuery(text)
	var members []member
	for name, texts := range values {
		if len(texts) != 1 || !utf8.ValidString(name+texts[0]) {
			return nil, errJSON
		}
		members = append(members, member{name, value{"string", texts[0]}})
	}
	return members, err
}

// answer gives the HTTP status and the code of the reply.
func answer(r *http.Request, keys []string) (int, string) {
	if r.Method != method {
		return 405, "0023"
	}
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if contentType != "" && strings.ToLower(strings.TrimSpace(kind)) != contentType {
		return 415, "0022"
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return 400, "0002"
	}
	if len(body) > maxBody {
		return 413, "0002"
	}
	members, err := parse(body)
	if contentType == "" {
		members, err = pairs(r.URL.RawQuery)
	} else if contentType != "application/json" {
		members, err = pairs(string(body))
	}
	if err != nil {
		return 400, "0021"
	}
	isVerified := false
	for _, key := range keys {
		isVerified = isVerified || verified(members, key)
	}
	if !isVerified {
		return 401, "0004"
	}
	if !usable(members) {
		return 400, "0002"
	}
	if settle(members) != nil {
		return 500, "9999"
	}
	return 200, "0000"
}

func set(members []member, name, kind, text string) []member {
	var others []member
	for _, m := range members {
		if m.name != name {
			others = append(others, m)
		}
	}
	return append(others, member{name, value{kind, text}})
}

func selftest(paths []string) error {
	type vector struct {
		Id, Payload, Key, Md5, Sha256 string
		Hmac                          string `json:"hmac_sha256"`
		Cases                         []struct{ Code, Digest string }
	}
	checks, failures := 0, 0
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if data = bytes.TrimSpace(data); !bytes.HasPrefix(data, []byte("[")) {
			data = []byte("[" + string(data) + "]")
		}
		var vectors []vector
		if err = json.Unmarshal(data, &vectors); err != nil {
			return err
		}
		for _, v := range vectors {
			for _, s := range schemes {
				try := func(kind, sign string, wanted bool) {
					members, err := parse([]byte(v.Payload))
					members = set(members, signField, kind, sign)
					if contains(s.unsigned, "sign_type") {
						members = set(members, "sign_type", "string", s.algorithm)
					}
					checks++
					if err != nil || verified(members, v.Key) != wanted {
						failures++
						fmt.Println("failed:", v.Id, s.algorithm, sign)
					}
				}
				for _, c := range v.Cases {
					try("string", c.Digest, c.Code == map[string]string{"md5": "OK-MD5", "hmac-sha256": "OK-HMAC"}[s.algorithm])
				}
				right := map[string]string{"md5": v.Md5, "hmac-sha256": v.Hmac, "sha256": v.Sha256}[s.algorithm]
				if right != "" {
					other := strings.ToUpper(right)
					if s.upper {
						other = strings.ToLower(right)
					}
					try("string", right, true)
					try("string", other, false)
					try("string", right[1:], false)
					try("string", "", false)
					try("boolean", "true", false)
				}
			}
		}
	}
	if failures > 0 || checks == 0 {
		return fmt.Errorf("%d of %d checks failed", failures, checks)
	}
	fmt.Printf("ok: %d checks\n", checks)
	return nil
}

func serve(keys []string, port string) error {
	if port == "" {
		port = "8080"
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		return err
	}
	fmt.Printf("listening on http://%s/\n", listener.Addr())
	handler := func(w http.ResponseWriter, r *http.Request) {
		status, code := answer(r, keys)
		text, kind := success, "text/plain"
		if strings.HasPrefix(success, "{") {
			kind = "application/json;charset=utf-8"
		}
		if status != 200 {
			text = strings.Replace(refusal, "CODE", code, 1)
		}
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		io.WriteString(w, text)
	}
	server := http.Server{Handler: http.HandlerFunc(handler), ReadTimeout: 10 * time.Second}
	return server.Serve(listener)
}

func main() {
	key, err := os.Getenv("PAYOUT_NOTIFY_KEY"), errors.New("set PAYOUT_NOTIFY_KEY")
	if len(os.Args) > 1 {
		err = selftest(os.Args[1:])
	} else if key != "" {
		keys := []string{key}
		if retired := os.Getenv("PAYOUT_NOTIFY_RETIRED_KEY"); retired != "" { // Anyone can sign with an empty key.
			keys = append(keys, retired)
		}
		err = serve(keys, os.Getenv("PORT"))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
