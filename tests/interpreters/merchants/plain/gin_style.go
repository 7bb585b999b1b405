// A payout notification handler in the idiom of Go's routers, on the standard library.
//
//	go run gin_style.go PORT FOLDER
//
// It knows the orders of FOLDER/orders.txt ("payout_cl_id amount" per line) and keeps its books in FOLDER/books.txt:
// "payout_cl_id<TAB>credited|refunded<TAB>cents".
package main

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
)

const key = "ThisIsYourSecretKey123"

type notification struct {
	PayoutID   string      `json:"payout_id"`
	PayoutClID string      `json:"payout_cl_id"`
	PlatformID string      `json:"platform_id"`
	Amount     json.Number `json:"amount"`
	Status     json.Number `json:"status"`
	Sign       string      `json:"sign"`
	SignType   string      `json:"sign_type"`
}

type shop struct {
	mutex  sync.Mutex
	folder string
	closed map[string]string
}

func sign(body []byte, signType string, given string) (string, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil {
		return "", err
	}
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	sort.Strings(names)
	pairs := []string{}
	for _, name := range names {
		if name == "sign" || name == "sign_type" {
			continue
		}
		raw := string(fields[name])
		text := raw
		if strings.HasPrefix(raw, `"`) {
			if err := json.Unmarshal(fields[name], &text); err != nil {
				return "", err
			}
		} else if raw == "null" {
			continue
		} else if strings.HasPrefix(raw, "[") || strings.HasPrefix(raw, "{") {
			var compact bytes.Buffer
			if err := json.Compact(&compact, fields[name]); err != nil {
				return "", err
			}
			text = compact.String()
		}
		if text != "" {
			pairs = append(pairs, name+"="+text)
		}
	}
	joined := strings.Join(pairs, "&")
	if strings.EqualFold(signType, "HMAC-SHA256") {
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write([]byte(joined))
		return hex.EncodeToString(mac.Sum(nil)), nil
	}
	if signType != "" && !strings.EqualFold(signType, "MD5") {
		return "", fmt.Errorf("sign_type %s", signType)
	}
	sum := md5.Sum([]byte(joined + "&" + key))
	return hex.EncodeToString(sum[:]), nil
}

func reply(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"error_code":%q}`, code)
}

func (s *shop) notify(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		reply(w, http.StatusMethodNotAllowed, "0023")
		return
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		reply(w, http.StatusUnsupportedMediaType, "0022")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		reply(w, http.StatusBadRequest, "0021")
		return
	}
	var n notification
	if err := json.Unmarshal(body, &n); err != nil {
		reply(w, http.StatusBadRequest, "0021")
		return
	}
	expected, err := sign(body, n.SignType, n.Sign)
	if err != nil || subtle.ConstantTimeCompare([]byte(expected), []byte(n.Sign)) != 1 {
		reply(w, http.StatusOK, "0004")
		return
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	amount, isKnown := s.amount(n.PayoutClID)
	if !isKnown || amount != n.Amount.String() {
		reply(w, http.StatusOK, "0002")
		return
	}
	books := map[string]string{"3": "credited", "4": "refunded", "5": "refunded"}
	if what, isFinal := books[n.Status.String()]; isFinal && s.closed[n.PayoutClID] == "" {
		file, err := os.OpenFile(filepath.Join(s.folder, "books.txt"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			panic(err)
		}
		defer file.Close()
		fmt.Fprintf(file, "%s\t%s\t%s\n", n.PayoutClID, what, amount)
		s.closed[n.PayoutClID] = n.Status.String()
	}
	reply(w, http.StatusOK, "0000")
}

func (s *shop) amount(order string) (string, bool) {
	file, err := os.Open(filepath.Join(s.folder, "orders.txt"))
	if err != nil {
		return "", false
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		line := lines.Text()
		if cut := strings.LastIndex(line, " "); cut >= 0 && line[:cut] == order {
			return line[cut+1:], true
		}
	}
	return "", false
}

func main() {
	s := &shop{folder: os.Args[2], closed: map[string]string{}}
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		panic(err)
	}
	http.HandleFunc("/notify", s.notify)
	fmt.Printf("http://%s/notify\n", listener.Addr())
	panic(http.Serve(listener, nil))
}
