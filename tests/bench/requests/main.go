// requests sends bare requests to an API server, so many at a time, as fast as it answers: the least time in which anybody can
// do the same. It reads and decides nothing.
//
//	requests [-c 16] [-manager play] [-kind KIND] list|apply|dry|delete FILE
//
// FILE has one JSON object a line. list: {"path"}, each page of 500; the others: {"path", "object"}. apply is a server-side
// apply, dry the same as a dry run, delete removes. With -kind only objects of that kind. The first status of 300 or more ends it.
// PLAY_SERVER, PLAY_TOKEN and PLAY_CA (a file) name the server.
package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"sync"
)

type line struct {
	Path   string
	Object json.RawMessage
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("requests: ")
	atOnce := flag.Int("c", 16, "requests at a time")
	manager := flag.String("manager", "play", "field manager")
	kind := flag.String("kind", "", "only objects of this kind")
	flag.Parse()
	if flag.NArg() != 2 {
		flag.Usage()
		os.Exit(2)
	}
	what, lines := flag.Arg(0), read(flag.Arg(1), *kind)
	client := client(*atOnce)
	todo := make(chan line)
	var wait sync.WaitGroup
	for range *atOnce {
		wait.Go(func() {
			for it := range todo {
				one(client, what, *manager, it)
			}
		})
	}
	for _, it := range lines {
		todo <- it
	}
	close(todo)
	wait.Wait()
	fmt.Println(len(lines))
}

func one(client *http.Client, what, manager string, it line) {
	switch what {
	case "list":
		for more := "?limit=500"; more != ""; {
			var page struct{ Metadata struct{ Continue string } }
			if err := json.Unmarshal(send(client, "GET", it.Path+more, nil), &page); err != nil {
				log.Fatal(err)
			}
			more = ""
			if page.Metadata.Continue != "" {
				more = "?limit=500&continue=" + url.QueryEscape(page.Metadata.Continue)
			}
		}
	case "apply":
		send(client, "PATCH", it.Path+"?fieldManager="+manager, it.Object)
	case "dry":
		send(client, "PATCH", it.Path+"?dryRun=All&fieldManager="+manager, it.Object)
	case "delete":
		send(client, "DELETE", it.Path, nil)
	default:
		log.Fatalf("%s is none of list, apply, dry, delete", what)
	}
}

func send(client *http.Client, method, path string, body []byte) []byte {
	request, err := http.NewRequest(method, os.Getenv("PLAY_SERVER")+path, bytes.NewReader(body))
	if err != nil {
		log.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+os.Getenv("PLAY_TOKEN"))
	request.Header.Set("Accept", "application/json")
	if method == "PATCH" {
		request.Header.Set("Content-Type", "application/apply-patch+yaml")
	}
	answer, err := client.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		log.Fatal(err)
	}
	if answer.StatusCode >= 300 {
		log.Fatalf("%d %s %s: %.300s", answer.StatusCode, method, path, text)
	}
	return text
}

func client(atOnce int) *http.Client {
	pool := x509.NewCertPool()
	ca, err := os.ReadFile(os.Getenv("PLAY_CA"))
	if err != nil || !pool.AppendCertsFromPEM(ca) {
		log.Fatal("PLAY_CA: ", err)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, MaxIdleConnsPerHost: atOnce, MaxConnsPerHost: atOnce,
		TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}, DisableCompression: true}
	return &http.Client{Transport: transport}
}

func read(name, kind string) (lines []line) {
	file, err := os.Open(name)
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, 1<<24)
	for scanner.Scan() {
		var it line
		var object struct{ Kind string }
		if err := json.Unmarshal(scanner.Bytes(), &it); err != nil {
			log.Fatal(err)
		}
		if kind != "" && (json.Unmarshal(it.Object, &object) != nil || object.Kind != kind) {
			continue
		}
		lines = append(lines, it)
	}
	if err := scanner.Err(); err != nil {
		log.Fatal(err)
	}
	return lines
}
