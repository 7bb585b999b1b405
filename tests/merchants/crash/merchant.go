// A merchant in Go that keeps an append-only ledger, with one chosen flaw: merchant MODE PORT FOLDER
//
// Without a flaw (right) it writes the booking to the disk before it acknowledges, and reads at its start what is
// booked. FOLDER/ledger.txt is what was booked, as "payout_id credited|refunded cents"; observe.py shows it.
// --list prints the modes, each with the report or the text that describes the flaw.
package main

import (
	"bufio"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"time"
)

const key = "ThisIsYourSecretKey123"

// How long a call to a database or a wallet takes.
const call = 20 * time.Millisecond

var moves = map[string]string{"3": "credited", "4": "refunded", "5": "refunded"}

var modes = map[string]string{
	"right":                     "-",
	"goroutine-after-reply":     "Go, net/http: a goroutine that outlives its request has no one that waits for it",
	"bufio-not-flushed":         "Go, bufio.Writer: what is not flushed is not written",
	"mutex-held-after-context":  "quart-db#15: a lock is not released when the client goes away",
	"unsynchronized-map":        "Go, maps: concurrent map writes end the process",
	"rollback-after-disconnect": "Go, database/sql: a transaction is rolled back when its context ends, what was outside stays",
}

type merchant struct {
	mode   string
	mutex  sync.Mutex
	seen   map[string]bool
	file   *os.File
	buffer *bufio.Writer
	record *os.File
}

func open(path string) *os.File {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		panic(err)
	}
	return file
}

// Remembers the first word of each line.
func (m *merchant) load(file *os.File) {
	for lines := bufio.NewScanner(file); lines.Scan(); {
		m.seen[strings.Fields(lines.Text())[0]] = true
	}
}

func isSigned(payload map[string]any) bool {
	names := []string{}
	for name, value := range payload {
		if name != "sign" && name != "sign_type" && value != nil && value != "" {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	pairs := []string{}
	for _, name := range names {
		pairs = append(pairs, fmt.Sprintf("%s=%v", name, payload[name]))
	}
	text := strings.Join(pairs, "&")
	sign, _ := payload["sign"].(string)
	digest := md5.Sum([]byte(text + "&" + key))
	expected := digest[:]
	if len(sign) == 64 {
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write([]byte(text))
		expected = mac.Sum(nil)
	}
	return hmac.Equal([]byte(sign), []byte(hex.EncodeToString(expected)))
}

func (m *merchant) write(line string) {
	if _, err := m.file.WriteString(line); err != nil {
		panic(err)
	}
	if err := m.file.Sync(); err != nil {
		panic(err)
	}
}

// Books a final notification; it may be acknowledged when this returns true.
func (m *merchant) book(order, line string, r *http.Request) bool {
	if m.mode == "unsynchronized-map" {
		// Visits of each order, counted without a lock.
		for i := 0; i < 20000; i++ {
			visits[order]++
		}
	}
	m.mutex.Lock()
	if m.mode != "mutex-held-after-context" {
		defer m.mutex.Unlock()
	}
	if m.seen[order] {
		if m.mode == "mutex-held-after-context" {
			m.mutex.Unlock()
		}
		return true
	}
	switch m.mode {
	case "goroutine-after-reply":
		m.seen[order] = true
		go func() {
			time.Sleep(call)
			m.mutex.Lock()
			defer m.mutex.Unlock()
			m.write(line)
		}()
		return true
	case "bufio-not-flushed":
		m.seen[order] = true
		m.buffer.WriteString(line)
		return true
	case "rollback-after-disconnect":
		m.seen[order] = true
		m.record.WriteString(order + "\n")
		time.Sleep(call)
		if r.Context().Err() == nil {
			m.write(line)
		}
		return true
	case "mutex-held-after-context":
		time.Sleep(call)
		if r.Context().Err() != nil {
			return false
		}
		defer m.mutex.Unlock()
	}
	m.seen[order] = true
	m.write(line)
	return true
}

var visits = map[string]int{}

func (m *merchant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	payload := map[string]any{}
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20))
	decoder.UseNumber()
	err := decoder.Decode(&payload)
	order, _ := payload["payout_id"].(string)
	cents, _ := payload["amount"].(json.Number)
	if err != nil || order == "" || strings.ContainsAny(order, "& \t\n") || cents == "" {
		w.WriteHeader(400)
		fmt.Fprint(w, `{"error_code":"0021"}`)
		return
	}
	if !isSigned(payload) {
		fmt.Fprint(w, `{"error_code":"0004"}`)
		return
	}
	what := moves[fmt.Sprint(payload["status"])]
	// The request's context ends with its client once the body is read.
	if what != "" && !m.book(order, fmt.Sprintf("%s %s %s\n", order, what, cents), r) {
		return
	}
	fmt.Fprint(w, `{"error_code":"0000"}`)
}

func main() {
	if os.Args[1] == "--list" {
		for name, source := range modes {
			fmt.Printf("%s\t%s\n", name, source)
		}
		return
	}
	mode, port, folder := os.Args[1], os.Args[2], os.Args[3]
	os.MkdirAll(folder, 0o700)
	m := &merchant{mode: mode, seen: map[string]bool{}, file: open(filepath.Join(folder, "ledger.txt"))}
	m.load(m.file)
	if mode == "rollback-after-disconnect" {
		m.record = open(filepath.Join(folder, "seen.txt"))
		m.load(m.record)
	}
	if mode == "bufio-not-flushed" {
		m.buffer = bufio.NewWriter(m.file)
		go func() {
			for range time.Tick(500 * time.Millisecond) {
				m.mutex.Lock()
				m.buffer.Flush()
				m.mutex.Unlock()
			}
		}()
	}
	if err := http.ListenAndServe("127.0.0.1:"+port, m); err != nil {
		panic(err)
	}
}
