// An OAuth client made of golang.org/x/oauth2 and coreos/go-oidc, driven as ../driver.ts says.
package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Between two calls of the API.
const pause = 100 * time.Millisecond

// How the client proves who it is, where the driver does not leave that to the library.
var authStyles = map[string]oauth2.AuthStyle{
	"":                    oauth2.AuthStyleInParams,
	"client_secret_basic": oauth2.AuthStyleInHeader,
	"client_secret_post":  oauth2.AuthStyleInParams,
}

var driver = bufio.NewScanner(os.Stdin)

// Tells the driver what was done.
func say(name string, value any) error {
	return json.NewEncoder(os.Stdout).Encode(map[string]any{name: value})
}

// Has the browser go somewhere, and waits for it to come back.
func open(address string) (url.Values, error) {
	if err := say("open", address); err != nil {
		return nil, err
	}
	if !driver.Scan() {
		return nil, errors.New("the driver has gone")
	}
	var answer struct{ Callback string }
	if err := json.Unmarshal(driver.Bytes(), &answer); err != nil {
		return nil, err
	}
	callback, err := url.Parse(answer.Callback)
	if err != nil {
		return nil, err
	}
	return callback.Query(), nil
}

// The error that the bridge refused with; any other error, or none, is given back.
func refusal(err error) (string, error) {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.ErrorCode != "" {
		return refused.ErrorCode, nil
	}
	if err == nil {
		err = errors.New("this should have been refused")
	}
	return "", err
}

type client struct {
	issuer   string
	config   oauth2.Config
	provider *oidc.Provider
	token    *oauth2.Token
}

func discover(ctx context.Context) (*client, error) {
	issuer := os.Getenv("ISSUER")
	provider, err := oidc.NewProvider(ctx, issuer)
	if err != nil {
		return nil, err
	}
	style, known := authStyles[os.Getenv("TOKEN_ENDPOINT_AUTH_METHOD")]
	if !known {
		return nil, errors.New("this client does not know that way to prove who it is")
	}
	endpoint := provider.Endpoint()
	endpoint.AuthStyle = style
	return &client{
		issuer:   issuer,
		provider: provider,
		config: oauth2.Config{
			ClientID:     os.Getenv("CLIENT_ID"),
			ClientSecret: os.Getenv("CLIENT_SECRET"),
			RedirectURL:  os.Getenv("REDIRECT_URI"),
			Scopes:       strings.Fields(os.Getenv("SCOPE")),
			Endpoint:     endpoint,
		},
	}, nil
}

func (c *client) call(ctx context.Context, address string) (int, error) {
	answer, err := oauth2.NewClient(ctx, oauth2.StaticTokenSource(c.token)).Get(address)
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close()
}

// Calls the API and says with what outcome.
func (c *client) callAPI(ctx context.Context) error {
	status, err := c.call(ctx, os.Getenv("API"))
	if err != nil {
		return err
	}
	return say("called", map[string]int{"status": status})
}

func (c *client) refresh(ctx context.Context) (rotated bool, err error) {
	before := c.token.RefreshToken
	// Without an access token that is still good the source has to ask for one.
	token, err := c.config.TokenSource(ctx, &oauth2.Token{RefreshToken: before}).Token()
	if err != nil {
		return false, err
	}
	c.token = token
	return token.RefreshToken != before, nil
}

// Whether the ID token is good, and the answer to this very request.
func (c *client) verify(ctx context.Context, nonce string) (*oidc.IDToken, error) {
	raw, _ := c.token.Extra("id_token").(string)
	verifier := c.provider.Verifier(&oidc.Config{ClientID: c.config.ClientID})
	idToken, err := verifier.Verify(ctx, raw)
	if err != nil {
		return nil, err
	}
	if idToken.Nonce != nonce {
		return nil, errors.New("the ID token answers another request")
	}
	return idToken, idToken.VerifyAccessToken(c.token.AccessToken)
}

func (c *client) userinfo(ctx context.Context, subject string) (claims map[string]any, err error) {
	info, err := c.provider.UserInfo(ctx, oauth2.StaticTokenSource(c.token))
	if err != nil {
		return nil, err
	}
	if info.Subject != subject {
		return nil, errors.New("userinfo is about somebody else")
	}
	return claims, info.Claims(&claims)
}

// Where to sign out. The library knows the sign-in alone.
func (c *client) endSession(state string) (string, error) {
	var metadata struct {
		Endpoint string `json:"end_session_endpoint"`
	}
	if err := c.provider.Claims(&metadata); err != nil {
		return "", err
	}
	hint, _ := c.token.Extra("id_token").(string)
	query := url.Values{
		"id_token_hint":            {hint},
		"post_logout_redirect_uri": {os.Getenv("POST_LOGOUT_REDIRECT_URI")},
		"state":                    {state},
	}
	return metadata.Endpoint + "?" + query.Encode(), nil
}

// Redeems a code that was redeemed before, and finds that this ended the session.
func (c *client) redeemAgain(ctx context.Context, code, verifier string) error {
	_, err := c.config.Exchange(ctx, code, oauth2.VerifierOption(verifier))
	failed, err := refusal(err)
	if err != nil {
		return err
	}
	if err := say("failed", failed); err != nil {
		return err
	}
	return c.refreshRefused(ctx)
}

func (c *client) refreshRefused(ctx context.Context) error {
	_, err := c.refresh(ctx)
	refused, err := refusal(err)
	if err != nil {
		return err
	}
	return say("refused", refused)
}

// Signs out, and finds that the tokens are worth nothing then.
func (c *client) signOut(ctx context.Context, state string) error {
	address, err := c.endSession(state)
	if err != nil {
		return err
	}
	answer, err := open(address)
	if err != nil {
		return err
	}
	if answer.Get("state") != state {
		return errors.New("the sign-out answers another request")
	}
	if err := c.refreshRefused(ctx); err != nil {
		return err
	}
	// The gate hears of it a moment later: there is nothing to wait for but its answer.
	for {
		status, err := c.call(ctx, os.Getenv("NOTHING"))
		if err != nil {
			return err
		}
		if status != http.StatusNotFound {
			return say("called", map[string]int{"status": status})
		}
		time.Sleep(pause)
	}
}

func run(ctx context.Context) error {
	c, err := discover(ctx)
	if err != nil {
		return err
	}
	state, nonce, verifier := rand.Text(), rand.Text(), oauth2.GenerateVerifier()
	answer, err := open(c.config.AuthCodeURL(state, oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier)))
	if err != nil {
		return err
	}
	if answer.Get("state") != state || answer.Get("iss") != c.issuer {
		return errors.New("the sign-in answers another request")
	}
	if answer.Has("error") {
		return say("failed", answer.Get("error"))
	}

	code := answer.Get("code")
	c.token, err = c.config.Exchange(ctx, code, oauth2.VerifierOption(verifier))
	if err != nil {
		refused, err := refusal(err)
		if err != nil {
			return err
		}
		return say("failed", refused)
	}
	idToken, err := c.verify(ctx, nonce)
	if err != nil {
		return err
	}
	var claims map[string]any
	if err := idToken.Claims(&claims); err != nil {
		return err
	}
	if err := say("signed_in", claims); err != nil {
		return err
	}
	if os.Getenv("REDEEM_TWICE") != "" {
		return c.redeemAgain(ctx, code, verifier)
	}

	userinfo, err := c.userinfo(ctx, idToken.Subject)
	if err != nil {
		return err
	}
	if err := say("userinfo", userinfo); err != nil {
		return err
	}
	if err := c.callAPI(ctx); err != nil {
		return err
	}
	rotated, err := c.refresh(ctx)
	if err != nil {
		return err
	}
	if err := say("refreshed", map[string]bool{"rotated": rotated}); err != nil {
		return err
	}
	if err := c.callAPI(ctx); err != nil {
		return err
	}
	return c.signOut(ctx, state)
}

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(fmt.Errorf("go-oidc: %w", err))
	}
}
