package protocol

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"testing"
)

type vector struct {
	Name       string
	Type       FrameType
	Text       string
	HexPayload string
	Hex        string
}

func vectors(t testing.TB) (valid, invalid []vector) {
	t.Helper()
	text, err := os.ReadFile("../../../test/vectors/frames.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Valid, Invalid []vector }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Valid) == 0 || len(file.Invalid) == 0 {
		t.Fatal("the shared vectors are empty")
	}
	return file.Valid, file.Invalid
}

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	raw, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestValidVectorsEncodeAndDecodeAlike(t *testing.T) {
	valid, _ := vectors(t)
	for _, v := range valid {
		payload := []byte(v.Text)
		if v.HexPayload != "" {
			payload = unhex(t, v.HexPayload)
		}
		raw := unhex(t, v.Hex)
		if got := EncodeFrame(v.Type, payload); !bytes.Equal(got, raw) {
			t.Errorf("%s: encoded %x, want %x", v.Name, got, raw)
		}
		decoder := NewFrameDecoder(bytes.NewReader(raw))
		frame, err := decoder.Next()
		if err != nil || frame.Type != v.Type || !bytes.Equal(frame.Payload, payload) {
			t.Errorf("%s: decoded %v %q, %v", v.Name, frame.Type, frame.Payload, err)
		}
		if _, err := decoder.Next(); err != io.EOF {
			t.Errorf("%s: after the frame: %v, want EOF", v.Name, err)
		}
	}
}

func TestInvalidVectorsAreRefusedBeforeAByteIsKept(t *testing.T) {
	_, invalid := vectors(t)
	for _, v := range invalid {
		var violation *ViolationError
		if _, err := NewFrameDecoder(bytes.NewReader(unhex(t, v.Hex))).Next(); !errors.As(err, &violation) {
			t.Errorf("%s: %v, want a ViolationError", v.Name, err)
		}
	}
}

func TestStartAloneMayBeLong(t *testing.T) {
	for _, row := range []struct {
		name   string
		header []byte
		refuse bool
	}{
		{"START of 4 MiB", []byte{0, 0x40, 0, 0, 1}, false},
		{"START over 4 MiB", []byte{0, 0x40, 0, 1, 1}, true},
		{"DATA over 64 KiB", []byte{0, 1, 0, 1, 3}, true},
	} {
		var violation *ViolationError
		_, err := NewFrameDecoder(bytes.NewReader(row.header)).Next()
		if errors.As(err, &violation) != row.refuse {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}

func TestATruncatedFrameIsNotAnOrderlyEnd(t *testing.T) {
	raw := EncodeFrame(Data, []byte("hello"))
	for cut := 1; cut < len(raw); cut++ {
		if _, err := NewFrameDecoder(bytes.NewReader(raw[:cut])).Next(); err != io.ErrUnexpectedEOF {
			t.Errorf("cut after %d bytes: %v", cut, err)
		}
	}
}

// FuzzDecoder: whatever comes, frames that were accepted encode to exactly the bytes they were read from.
func FuzzDecoder(f *testing.F) {
	valid, invalid := vectors(f)
	for _, v := range append(valid, invalid...) {
		f.Add(unhex(f, v.Hex))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		reader := bytes.NewReader(raw)
		decoder := NewFrameDecoder(reader)
		for {
			before := len(raw) - reader.Len()
			frame, err := decoder.Next()
			if err != nil {
				return
			}
			after := len(raw) - reader.Len()
			var header [HeaderSize]byte
			PutHeader(header[:], frame.Type, len(frame.Payload))
			if again := append(header[:], frame.Payload...); !bytes.Equal(again, raw[before:after]) {
				t.Fatalf("read %x, would write %x", raw[before:after], again)
			}
		}
	})
}
