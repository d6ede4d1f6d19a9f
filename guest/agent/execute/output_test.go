package execute

import (
	"errors"
	"os"
	"testing"
	"time"
)

func TestWhatWasWrittenInTimeIsReadAlsoPastTheDeadline(t *testing.T) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	defer writer.Close()
	writer.WriteString("said in time")
	reader.SetReadDeadline(time.Now().Add(-time.Second))
	buffer := make([]byte, 64)
	if n, err := readOutput(reader, buffer); string(buffer[:n]) != "said in time" || err != nil {
		t.Fatalf("%q, %v", buffer[:n], err)
	}
	if n, err := readOutput(reader, buffer); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("%d bytes, %v: nothing is left, and nobody is waited for", n, err)
	}
}
