package nix

import "testing"

func TestTheStoreUriQuotesTheInnerOne(t *testing.T) {
	want := "local-overlay://?lower-store=local%3A%2F%2F%3Freal%3D%2Fnix%2F.l%2Fimage%26state%3D%2Frun%2Fvzshell%2Flower%26read-only%3Dtrue" +
		"&upper-layer=/nix/.l/vol/store"
	if got := storeURI("/nix/.l/image", "/nix/.l/vol/store"); got != want {
		t.Fatal(got)
	}
}
