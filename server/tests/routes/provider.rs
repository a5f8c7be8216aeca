//! An identity provider in process, which can be told to misbehave. Signs ES256 with keys of its own.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use axum::{
    Form, Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    hmac,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use serde_json::{Value, json};
use std::collections::HashMap;

pub struct Provider {
    pub issuer: String,
    pub kept: Arc<Kept>,
}

#[derive(Default)]
pub struct Kept {
    /// Key id and key; the last one signs.
    keys: Mutex<Vec<(String, EcdsaKeyPair)>>,
    /// What the token endpoint sends next.
    id_token: Mutex<String>,
    /// The form that the token endpoint got last.
    pub form: Mutex<HashMap<String, String>>,
    pub revoked: Mutex<Vec<String>>,
    pub asked_for_keys: AtomicUsize,
    pub keys_fail: AtomicBool,
    /// The issuer that discovery names, when not its own.
    pub other_issuer: Mutex<Option<String>>,
    issuer: Mutex<String>,
}

impl Provider {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let kept = Arc::new(Kept::default());
        *kept.issuer.lock().unwrap() = issuer.clone();
        let provider = Self { issuer, kept: Arc::clone(&kept) };
        provider.rotate("first");
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .route("/revoke", post(revoke))
            .with_state(kept);
        tokio::spawn(axum::serve(listener, router).into_future());
        provider
    }

    /// From now on another key signs.
    pub fn rotate(&self, id: &str) {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap();
        self.kept.keys.lock().unwrap().push((id.to_owned(), key));
    }

    /// Claims that are right for a sign-in with this nonce.
    pub fn claims(&self, nonce: &str) -> Value {
        let now = chrono::Utc::now().timestamp();
        json!({
            "iss": self.issuer, "sub": "subject-1", "aud": "penstock", "exp": now + 300, "iat": now, "nonce": nonce,
            "groups": ["partners"], "custom:carrier": "UA", "email": "ua@example.com", "email_verified": true,
        })
    }

    /// What the token endpoint sends next, signed as it should be.
    pub fn will_send(&self, claims: &Value) {
        let keys = self.kept.keys.lock().unwrap();
        let (id, key) = keys.last().unwrap();
        let head = json!({"alg": "ES256", "kid": id, "typ": "JWT"});
        self.send_signed(&head, claims, |text| key.sign(&SystemRandom::new(), text).unwrap().as_ref().to_vec());
    }

    /// The same under a key id that nobody publishes.
    pub fn will_send_with_kid(&self, kid: &str, claims: &Value) {
        let keys = self.kept.keys.lock().unwrap();
        let (_, key) = keys.last().unwrap();
        self.send_signed(&json!({"alg": "ES256", "kid": kid}), claims, |text| {
            key.sign(&SystemRandom::new(), text).unwrap().as_ref().to_vec()
        });
    }

    /// Unsigned.
    pub fn will_send_unsigned(&self, claims: &Value) {
        self.send_signed(&json!({"alg": "none"}), claims, |_| Vec::new());
    }

    /// Signed with a secret that the attacker chose: the public key, or the client's id.
    pub fn will_send_hs256(&self, secret: &[u8], claims: &Value) {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        self.send_signed(&json!({"alg": "HS256"}), claims, |text| hmac::sign(&key, text).as_ref().to_vec());
    }

    /// Rightly signed, and changed afterwards.
    pub fn will_send_changed(&self, claims: &Value, changed: &Value) {
        self.will_send(claims);
        let mut token = self.kept.id_token.lock().unwrap();
        let parts: Vec<&str> = token.split('.').collect();
        *token = format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(changed.to_string()), parts[2]);
    }

    fn send_signed(&self, head: &Value, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) {
        let text =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(head.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = URL_SAFE_NO_PAD.encode(sign(text.as_bytes()));
        *self.kept.id_token.lock().unwrap() = format!("{text}.{signature}");
    }
}

async fn discovery(State(kept): State<Arc<Kept>>) -> Json<Value> {
    let at = kept.issuer.lock().unwrap().clone();
    let issuer = kept.other_issuer.lock().unwrap().clone().unwrap_or_else(|| at.clone());
    Json(json!({
        "issuer": issuer, "jwks_uri": format!("{at}/keys"), "authorization_endpoint": format!("{at}/authorize"),
        "token_endpoint": format!("{at}/token"), "end_session_endpoint": format!("{at}/end"),
        "revocation_endpoint": format!("{at}/revoke"),
    }))
}

async fn keys(State(kept): State<Arc<Kept>>) -> Response {
    kept.asked_for_keys.fetch_add(1, Ordering::SeqCst);
    if kept.keys_fail.load(Ordering::SeqCst) {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let keys: Vec<Value> = kept
        .keys
        .lock()
        .unwrap()
        .iter()
        .map(|(id, key)| {
            let point = key.public_key().as_ref();
            let part = |from: usize, to: usize| URL_SAFE_NO_PAD.encode(&point[from..to]);
            json!({"kty": "EC", "crv": "P-256", "use": "sig", "kid": id, "x": part(1, 33), "y": part(33, 65)})
        })
        .collect();
    Json(json!({ "keys": keys })).into_response()
}

async fn token(State(kept): State<Arc<Kept>>, Form(form): Form<HashMap<String, String>>) -> Json<Value> {
    *kept.form.lock().unwrap() = form;
    let id_token = kept.id_token.lock().unwrap().clone();
    Json(json!({
        "access_token": "a", "token_type": "Bearer", "expires_in": 300, "refresh_token": "refresh-1", "id_token": id_token,
    }))
}

async fn revoke(State(kept): State<Arc<Kept>>, Form(form): Form<HashMap<String, String>>) -> StatusCode {
    kept.revoked.lock().unwrap().push(form["token"].clone());
    StatusCode::OK
}
