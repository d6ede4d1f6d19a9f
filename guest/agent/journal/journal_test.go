package journal

import (
	"fmt"
	"strings"
	"testing"
)

func TestTheRingForgetsTheOldestAndStaysBounded(t *testing.T) {
	for i := range 3000 {
		Info("line %d %s", i, strings.Repeat("x", 50))
	}
	text := Text()
	if len(text) > limit || !strings.Contains(text, "line 2999 ") || strings.Contains(text, "line 0 ") {
		t.Fatalf("%d bytes, %.80q", len(text), text)
	}
}

func TestAnEntryIsOneBoundedLineOfText(t *testing.T) {
	Error("first\nsecond \xff%s", strings.Repeat("long", 1000))
	lines := strings.Split(strings.TrimSpace(Text()), "\n")
	last := lines[len(lines)-1]
	if !strings.Contains(last, "first | second ?long") || len(last) > maxLine+32 {
		t.Fatal(fmt.Sprintf("%d bytes: %.80q", len(last), last))
	}
}
