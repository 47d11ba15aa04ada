import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.source.JWKSourceBuilder;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jose.util.JSONObjectUtils;
import com.nimbusds.jwt.JWT;
import com.nimbusds.oauth2.sdk.AuthorizationCode;
import com.nimbusds.oauth2.sdk.AuthorizationCodeGrant;
import com.nimbusds.oauth2.sdk.AuthorizationGrant;
import com.nimbusds.oauth2.sdk.GeneralException;
import com.nimbusds.oauth2.sdk.RefreshTokenGrant;
import com.nimbusds.oauth2.sdk.ResponseType;
import com.nimbusds.oauth2.sdk.Scope;
import com.nimbusds.oauth2.sdk.TokenRequest;
import com.nimbusds.oauth2.sdk.auth.ClientAuthentication;
import com.nimbusds.oauth2.sdk.auth.ClientSecretBasic;
import com.nimbusds.oauth2.sdk.auth.ClientSecretPost;
import com.nimbusds.oauth2.sdk.auth.PrivateKeyJWT;
import com.nimbusds.oauth2.sdk.auth.Secret;
import com.nimbusds.oauth2.sdk.http.HTTPRequest;
import com.nimbusds.oauth2.sdk.id.ClientID;
import com.nimbusds.oauth2.sdk.id.Issuer;
import com.nimbusds.oauth2.sdk.id.State;
import com.nimbusds.oauth2.sdk.pkce.CodeChallengeMethod;
import com.nimbusds.oauth2.sdk.pkce.CodeVerifier;
import com.nimbusds.oauth2.sdk.token.RefreshToken;
import com.nimbusds.openid.connect.sdk.AuthenticationRequest;
import com.nimbusds.openid.connect.sdk.AuthenticationResponse;
import com.nimbusds.openid.connect.sdk.AuthenticationResponseParser;
import com.nimbusds.openid.connect.sdk.LogoutRequest;
import com.nimbusds.openid.connect.sdk.Nonce;
import com.nimbusds.openid.connect.sdk.OIDCTokenResponse;
import com.nimbusds.openid.connect.sdk.OIDCTokenResponseParser;
import com.nimbusds.openid.connect.sdk.UserInfoRequest;
import com.nimbusds.openid.connect.sdk.UserInfoResponse;
import com.nimbusds.openid.connect.sdk.claims.IDTokenClaimsSet;
import com.nimbusds.openid.connect.sdk.op.OIDCProviderMetadata;
import com.nimbusds.openid.connect.sdk.token.OIDCTokens;
import com.nimbusds.openid.connect.sdk.validators.AccessTokenValidator;
import com.nimbusds.openid.connect.sdk.validators.IDTokenValidator;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URI;
import java.util.HashSet;
import java.util.Map;

/** An OAuth client made of Nimbus, driven as ../driver.ts says. */
public final class NimbusClient {
    /** Milliseconds between two calls of the API. */
    private static final long PAUSE = 100;

    private static final BufferedReader DRIVER = new BufferedReader(new InputStreamReader(System.in));

    private final OIDCProviderMetadata bridge;
    private final ClientID clientId = new ClientID(setting("CLIENT_ID"));
    private final URI redirectUri = URI.create(setting("REDIRECT_URI"));
    private final State state = new State();
    private final Nonce nonce = new Nonce();
    private final CodeVerifier verifier = new CodeVerifier();
    private OIDCTokens tokens;

    private NimbusClient(OIDCProviderMetadata bridge) {
        this.bridge = bridge;
    }

    /** What the bridge refused, by its code. */
    private static final class Refused extends Exception {
        Refused(String code) {
            super(code);
        }
    }

    private interface Act {
        void run() throws Exception;
    }

    private static String setting(String name) {
        String value = System.getenv(name);
        if (value == null) throw new IllegalStateException(name + " is not set.");
        return value;
    }

    /** Tells the driver what was done. */
    private static void say(String name, Object value) {
        System.out.println(JSONObjectUtils.toJSONString(Map.of(name, value)));
    }

    /** Has the browser go somewhere, and waits for it to come back. */
    private static URI open(URI address) throws Exception {
        say("open", address.toString());
        return URI.create(JSONObjectUtils.getString(JSONObjectUtils.parse(DRIVER.readLine()), "callback"));
    }

    /** The code of the refusal that an act has to end in. */
    private static String refusal(Act act) throws Exception {
        try {
            act.run();
        } catch (Refused refused) {
            return refused.getMessage();
        }
        throw new IllegalStateException("This should have been refused.");
    }

    /** @return null for a client that cannot prove who it is */
    private ClientAuthentication authentication() throws Exception {
        return switch (System.getenv().getOrDefault("TOKEN_ENDPOINT_AUTH_METHOD", "none")) {
            case "none" -> null;
            case "client_secret_basic" -> new ClientSecretBasic(clientId, new Secret(setting("CLIENT_SECRET")));
            case "client_secret_post" -> new ClientSecretPost(clientId, new Secret(setting("CLIENT_SECRET")));
            case "private_key_jwt" -> {
                JWK key = JWK.parse(setting("CLIENT_KEY"));
                yield new PrivateKeyJWT(
                    clientId,
                    bridge.getTokenEndpointURI(),
                    JWSAlgorithm.parse(key.getAlgorithm().getName()),
                    key.toECKey().toPrivateKey(),
                    key.getKeyID(),
                    null);
            }
            default -> throw new IllegalStateException("This client does not know that way to prove who it is.");
        };
    }

    private URI authenticationRequest() {
        return new AuthenticationRequest.Builder(
                ResponseType.CODE, Scope.parse(setting("SCOPE")), clientId, redirectUri)
            .endpointURI(bridge.getAuthorizationEndpointURI())
            .state(state)
            .nonce(nonce)
            .codeChallenge(verifier, CodeChallengeMethod.S256)
            .build()
            .toURI();
    }

    private AuthorizationCode codeFrom(URI callback) throws Exception {
        AuthenticationResponse response = AuthenticationResponseParser.parse(callback);
        if (!state.equals(response.getState()) || !bridge.getIssuer().equals(response.getIssuer())) {
            throw new GeneralException("The sign-in answers another request.");
        }
        if (!response.indicatesSuccess()) {
            throw new Refused(response.toErrorResponse().getErrorObject().getCode());
        }
        return response.toSuccessResponse().getAuthorizationCode();
    }

    private OIDCTokens ask(AuthorizationGrant grant) throws Exception {
        ClientAuthentication authentication = authentication();
        URI endpoint = bridge.getTokenEndpointURI();
        TokenRequest request = authentication == null
            ? new TokenRequest.Builder(endpoint, clientId, grant).build()
            : new TokenRequest.Builder(endpoint, authentication, grant).build();
        var response = OIDCTokenResponseParser.parse(request.toHTTPRequest().send());
        if (!response.indicatesSuccess()) {
            throw new Refused(response.toErrorResponse().getErrorObject().getCode());
        }
        return ((OIDCTokenResponse) response.toSuccessResponse()).getOIDCTokens();
    }

    private void redeem(AuthorizationCode code) throws Exception {
        tokens = ask(new AuthorizationCodeGrant(code, redirectUri, verifier));
    }

    /** Whether the ID token is good, and the answer to this very request. */
    private IDTokenClaimsSet validate() throws Exception {
        JWT idToken = tokens.getIDToken();
        var keys = JWKSourceBuilder.<SecurityContext>create(bridge.getJWKSetURI().toURL()).build();
        var selector = new JWSVerificationKeySelector<>(new HashSet<>(bridge.getIDTokenJWSAlgs()), keys);
        var claims = new IDTokenValidator(bridge.getIssuer(), clientId, selector, null).validate(idToken, nonce);
        AccessTokenValidator.validate(
            tokens.getAccessToken(),
            JWSAlgorithm.parse(idToken.getHeader().getAlgorithm().getName()),
            claims.getAccessTokenHash());
        return claims;
    }

    private Map<String, Object> userinfo(IDTokenClaimsSet claims) throws Exception {
        var request = new UserInfoRequest(bridge.getUserInfoEndpointURI(), tokens.getBearerAccessToken());
        var info = UserInfoResponse.parse(request.toHTTPRequest().send()).toSuccessResponse().getUserInfo();
        if (!info.getSubject().equals(claims.getSubject())) {
            throw new GeneralException("Userinfo is about somebody else.");
        }
        return info.toJSONObject();
    }

    private int call(String address) throws Exception {
        var request = new HTTPRequest(HTTPRequest.Method.GET, URI.create(address));
        request.setAuthorization(tokens.getAccessToken().toAuthorizationHeader());
        return request.send().getStatusCode();
    }

    private void callApi() throws Exception {
        say("called", Map.of("status", call(setting("API"))));
    }

    /** @return whether the refresh token is another one */
    private boolean refresh() throws Exception {
        RefreshToken before = tokens.getRefreshToken();
        tokens = ask(new RefreshTokenGrant(before));
        return tokens.getRefreshToken() != null && !tokens.getRefreshToken().equals(before);
    }

    /** Signs out, and finds that the tokens are worth nothing then. */
    private void signOut() throws Exception {
        var request = new LogoutRequest(
            bridge.getEndSessionEndpointURI(),
            tokens.getIDToken(),
            URI.create(setting("POST_LOGOUT_REDIRECT_URI")),
            state);
        String answer = open(request.toURI()).getRawQuery();
        if (!("state=" + state).equals(answer)) {
            throw new GeneralException("The sign-out answers another request.");
        }
        say("refused", refusal(this::refresh));
        // The gate hears of it a moment later: there is nothing to wait for but its answer.
        int status = call(setting("NOTHING"));
        while (status == 404) {
            Thread.sleep(PAUSE);
            status = call(setting("NOTHING"));
        }
        say("called", Map.of("status", status));
    }

    private void run() throws Exception {
        URI callback = open(authenticationRequest());
        AuthorizationCode code;
        try {
            code = codeFrom(callback);
            redeem(code);
        } catch (Refused refused) {
            say("failed", refused.getMessage());
            return;
        }
        IDTokenClaimsSet claims = validate();
        say("signed_in", claims.toJSONObject());
        if (System.getenv("REDEEM_TWICE") != null) {
            say("failed", refusal(() -> redeem(code)));
            say("refused", refusal(this::refresh));
            return;
        }
        say("userinfo", userinfo(claims));
        callApi();
        say("refreshed", Map.of("rotated", refresh()));
        callApi();
        signOut();
    }

    public static void main(String[] args) throws Exception {
        new NimbusClient(OIDCProviderMetadata.resolve(new Issuer(setting("ISSUER")))).run();
    }
}
