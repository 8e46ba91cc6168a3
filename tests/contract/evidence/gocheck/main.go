// Checks what Casetrail writes with golang.org/x/mod/sumdb/{note,tlog}, and writes the same things
// with them for Casetrail to check. Reads one JSON object from standard input, writes one.
package main

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type input struct {
	Leaves      []string          // the data of every leaf
	Roots       []string          // hex, for sizes 0..len(Leaves)
	Tiles       map[string]string // path to hex
	Inclusion   []inclusion
	Consistency []consistency
	Notes       []signed
	Proofs      []proofText
	SignerKey   string
	SignText    string
}

type inclusion struct {
	Index, Size int64
	Proof       []string
	Valid       bool
}

type consistency struct {
	Earlier, Later int64
	Proof          []string
	Valid          bool
}

type signed struct {
	Note, Text string
	Keys       []string
	Verified   int
	Valid      bool
}

type proofText struct {
	Text, Leaf, Key string
	Valid           bool
}

type output struct {
	Checked map[string]int
	Faults  []string
	Signed  string // SignText signed with SignerKey
	NewKey  string // a verifier key made here
	NewNote string // a note signed with it
}

func main() {
	var in input
	must(json.NewDecoder(os.Stdin).Decode(&in))
	out := output{Checked: map[string]int{}}
	expect := func(what string, valid bool, err error) {
		out.Checked[what]++
		if valid != (err == nil) {
			out.Faults = append(out.Faults, fmt.Sprintf("%s: valid=%v, got %v", what, valid, err))
		}
	}

	stored := storedHashes(in.Leaves)
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			hashes[i] = stored[index]
		}
		return hashes, nil
	})
	roots := make([]tlog.Hash, len(in.Roots))
	for size, text := range in.Roots {
		roots[size] = hash(text)
		if size == 0 {
			continue // this version of tlog gives the empty tree a root of its own
		}
		own, err := tlog.TreeHash(int64(size), reader)
		must(err)
		expect("root", true, same(own == roots[size]))
	}
	for _, c := range in.Inclusion {
		leaf := tlog.RecordHash([]byte(in.Leaves[c.Index]))
		proof := tlog.RecordProof(hashes(c.Proof))
		expect("inclusion", c.Valid, tlog.CheckRecord(proof, c.Size, roots[c.Size], c.Index, leaf))
		if c.Valid {
			own, err := tlog.ProveRecord(c.Size, c.Index, reader)
			must(err)
			expect("inclusion made here", true, same(equal(own, proof)))
		}
	}
	for _, c := range in.Consistency {
		proof := tlog.TreeProof(hashes(c.Proof))
		err := tlog.CheckTree(proof, c.Later, roots[c.Later], c.Earlier, roots[c.Earlier])
		expect("consistency", c.Valid, err)
		if c.Valid {
			own, err := tlog.ProveTree(c.Later, c.Earlier, reader)
			must(err)
			expect("consistency made here", true, same(equal(own, proof)))
		}
	}
	checkTiles(in, roots, expect)
	for _, c := range in.Notes {
		expect("note", c.Valid, checkNote(c))
	}
	for _, c := range in.Proofs {
		expect("proof", c.Valid, checkProof(c))
	}

	signer, err := note.NewSigner(in.SignerKey)
	must(err)
	text, err := note.Sign(&note.Note{Text: in.SignText}, signer)
	must(err)
	out.Signed = string(text)
	secret, public, err := note.GenerateKey(rand.Reader, "go.example/log")
	must(err)
	signer, err = note.NewSigner(secret)
	must(err)
	text, err = note.Sign(&note.Note{Text: in.SignText}, signer)
	must(err)
	out.NewKey, out.NewNote = public, string(text)
	must(json.NewEncoder(os.Stdout).Encode(out))
}

func storedHashes(leaves []string) []tlog.Hash {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			hashes[i] = stored[index]
		}
		return hashes, nil
	})
	for number, leaf := range leaves {
		more, err := tlog.StoredHashes(int64(number), []byte(leaf), reader)
		must(err)
		stored = append(stored, more...)
	}
	return stored
}

// tiles reads the tiles that were handed over, found by the paths this library gives them.
type tiles map[string]string

func (t tiles) Height() int                     { return 8 }
func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}
func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range wanted {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		text, ok := t[path]
		if !ok {
			return nil, errors.New("no tile " + path)
		}
		data, err := hex.DecodeString(text)
		if err != nil {
			return nil, err
		}
		found = append(found, data)
	}
	return found, nil
}

func checkTiles(in input, roots []tlog.Hash, expect func(string, bool, error)) {
	size := int64(len(in.Leaves))
	head := tlog.Tree{N: size, Hash: roots[size]}
	reader := tlog.TileHashReader(head, tiles(in.Tiles))
	for index := int64(0); index < size; index += 37 {
		proof, err := tlog.ProveRecord(size, index, reader)
		expect("proof from tiles", true, err)
		leaf := tlog.RecordHash([]byte(in.Leaves[index]))
		expect("proof from tiles", true, tlog.CheckRecord(proof, size, head.Hash, index, leaf))
	}
}

func checkNote(c signed) error {
	var known []note.Verifier
	for _, text := range c.Keys {
		verifier, err := note.NewVerifier(text)
		if err != nil {
			return err
		}
		known = append(known, verifier)
	}
	opened, err := note.Open([]byte(c.Note), note.VerifierList(known...))
	if err != nil {
		return err
	}
	if opened.Text != c.Text || len(opened.Sigs) != c.Verified {
		return fmt.Errorf("text %q with %d signatures", opened.Text, len(opened.Sigs))
	}
	return nil
}

// checkProof reads a c2sp.org/tlog-proof@v1 text with nothing but the two libraries.
func checkProof(c proofText) error {
	parts := strings.SplitN(c.Text, "\n\n", 2)
	lines := strings.Split(parts[0], "\n")
	if len(parts) != 2 || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return errors.New("not a proof")
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	if err != nil {
		return err
	}
	var path tlog.RecordProof
	for _, line := range lines[2:] {
		value, err := tlog.ParseHash(line)
		if err != nil {
			return err
		}
		path = append(path, value)
	}
	verifier, err := note.NewVerifier(c.Key)
	if err != nil {
		return err
	}
	opened, err := note.Open([]byte(parts[1]), note.VerifierList(verifier))
	if err != nil {
		return err
	}
	head := strings.Split(opened.Text, "\n")
	if head[0] != verifier.Name() {
		return errors.New("another origin")
	}
	size, err := strconv.ParseInt(head[1], 10, 64)
	if err != nil {
		return err
	}
	root, err := base64.StdEncoding.DecodeString(head[2])
	if err != nil {
		return err
	}
	var treeHash tlog.Hash
	copy(treeHash[:], root)
	return tlog.CheckRecord(path, size, treeHash, index, tlog.RecordHash([]byte(c.Leaf)))
}

func hash(text string) (value tlog.Hash) {
	data, err := hex.DecodeString(text)
	must(err)
	copy(value[:], data)
	return value
}

func hashes(texts []string) (values []tlog.Hash) {
	for _, text := range texts {
		values = append(values, hash(text))
	}
	return values
}

func equal(one, two []tlog.Hash) bool {
	if len(one) != len(two) {
		return false
	}
	for i := range one {
		if !bytes.Equal(one[i][:], two[i][:]) {
			return false
		}
	}
	return true
}

func same(yes bool) error {
	if yes {
		return nil
	}
	return errors.New("differs")
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
