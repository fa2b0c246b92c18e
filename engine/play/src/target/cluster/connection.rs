//! HTTP exchanges with one API server: a client that is built when it is first needed, again when its login ends, and used by all.

use std::time::Duration;

use http::HeaderMap;
use http::header::{HeaderValue, RETRY_AFTER, USER_AGENT};
use jiff::{SignedDuration, Timestamp};
use kube::client::ClientBuilder;
use play_core::run::{Address, Fault};
use play_core::state::Response;
use serde_json::Value as Json;
use tokio::sync::Mutex;

use super::call::Call;
use super::kubeconfig::{self, Login, Place, fault};
use super::{plugin, retry, warning};
use crate::target::requests::Progress;

/// A login that ends within this time is renewed first.
const RENEW: SignedDuration = SignedDuration::from_secs(60);
/// Seconds to connect in, where the address does not say.
const CONNECT: u64 = 10;

pub(super) struct Connection {
    pub(super) place: Place,
    /// The namespace of the context.
    pub(super) namespace: String,
    /// With the context by name: a `current-context` that somebody changes meanwhile leads nowhere else.
    address: Address,
    live: Mutex<Live>,
}

#[derive(Clone)]
struct Live {
    client: kube::Client,
    /// Until when the login holds.
    until: Option<Timestamp>,
    renewable: bool,
    /// How many were built before it.
    number: u32,
}

/// Why an exchange gave no response.
pub(super) struct Broken {
    pub(super) fault: Fault,
    pub(super) when: When,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// Surely nothing of the request reached the server.
    Unsent,
    /// The connection broke under way.
    Lost,
    /// Nothing came in time.
    Late,
}

impl Connection {
    pub(super) async fn open(address: &Address) -> Result<Connection, Fault> {
        let login = kubeconfig::login(address).await?;
        let address = Address { password: None, context: login.context.clone(), ..address.clone() };
        let (place, namespace) = (login.place.clone(), login.config.default_namespace.clone());
        let live = build(login, &address, 0).await?;
        Ok(Connection { place, namespace, address, live: Mutex::new(live) })
    }

    /// One request and its response, tried again where that can do no harm; never longer than `limit` a try.
    pub(super) async fn exchange(&self, call: &Call, limit: Duration, progress: &Progress) -> Result<Response, Fault> {
        let mut renewed = false;
        let mut tries = 1;
        loop {
            let live = self.live().await?;
            let outcome = self.once(&live, call, limit).await;
            if let Ok(response) = &outcome
                && response.status == 401
            {
                if live.renewable && !renewed {
                    renewed = true;
                    self.renew(live.number).await?;
                    continue;
                }
                return Err(self.not_known(response));
            }
            let Some((pause, why)) = retry::pause(call, &outcome, tries, self.address.retries) else {
                return outcome.map_err(|broken| broken.fault);
            };
            tries += 1;
            progress(&format!("{}: {why}; try {tries} in {:.1} s", self.place.server, pause.as_secs_f64()));
            tokio::time::sleep(pause).await;
        }
    }

    async fn live(&self) -> Result<Live, Fault> {
        let mut live = self.live.lock().await;
        if live.until.is_some_and(|until| Timestamp::now() + RENEW >= until) {
            *live = self.rebuild(live.number + 1).await?;
        }
        Ok(live.clone())
    }

    /// Logs in again, unless somebody else did since.
    async fn renew(&self, number: u32) -> Result<(), Fault> {
        let mut live = self.live.lock().await;
        if live.number == number {
            *live = self.rebuild(number + 1).await?;
        }
        Ok(())
    }

    async fn rebuild(&self, number: u32) -> Result<Live, Fault> {
        let login = kubeconfig::login(&self.address).await?;
        if login.place.server != self.place.server {
            return Err(fault(
                format!("{} means {} now, and meant {} when this run began", self.place.by, login.place.server, self.place.server),
                None,
            ));
        }
        build(login, &self.address, number).await
    }

    async fn once(&self, live: &Live, call: &Call, limit: Duration) -> Result<Response, Broken> {
        let request = call.http().map_err(|error| self.broken(format!("this request cannot be made: {error}"), None, When::Unsent))?;
        let answer = async {
            let (head, body) = live.client.send(request).await?.into_parts();
            Ok::<_, kube::Error>((head, body.collect_bytes().await))
        };
        match tokio::time::timeout(limit, answer).await {
            Err(_) => Err(self.broken(format!("no answer from {} within {} s", self.place.server, limit.as_secs()), None, When::Late)),
            Ok(Err(error)) => Err(self.explain(&error)),
            Ok(Ok((head, Err(error)))) => {
                let why = innermost(&error);
                Err(self.broken(
                    format!("the answer of {} (HTTP {}) ended too early: {why}", self.place.server, head.status.as_u16()),
                    None,
                    When::Lost,
                ))
            }
            Ok(Ok((head, Ok(bytes)))) => Ok(response(head.status.as_u16(), &head.headers, &bytes)),
        }
    }

    fn broken(&self, message: String, hint: Option<String>, when: When) -> Broken {
        Broken { fault: fault(message, hint.unwrap_or_else(|| self.place.by.clone())), when }
    }

    /// The words of a failed exchange; `hyper` and `rustls` hide theirs in the depth of the chain.
    fn explain(&self, error: &kube::Error) -> Broken {
        let server = &self.place.server;
        let by = &self.place.by;
        if let kube::Error::Auth(error) = error {
            let words = match error {
                kube::client::AuthError::AuthExecRun { out, .. } => format!("its login program failed ({})", out.status),
                other => other.to_string(),
            };
            return self.broken(format!("cannot log in to {server}: {words}"), None, When::Unsent);
        }
        let connecting =
            chain(error).any(|error| error.downcast_ref::<hyper_util::client::legacy::Error>().is_some_and(|error| error.is_connect()));
        let why = innermost(error);
        let (message, hint) = if !connecting {
            (format!("the connection to {server} was lost: {why}"), by.clone())
        } else if why.contains("CaUsedAsEndEntity") {
            // Go's TLS lets this pass, ours does not
            let hint =
                format!("{by}; give the server a certificate with `basicConstraints = CA:FALSE`, or one that a CA of its own signed");
            (format!("{server} shows the certificate of a CA as its own"), hint)
        } else if why.contains("certificate") {
            (format!("{server} shows a certificate that is not trusted: {why}"), format!("{by}: see its `certificate-authority`"))
        } else if why.contains("lookup address") {
            (format!("no address is known for {server}: {why}"), by.clone())
        } else if why.contains("refused") {
            (format!("nothing listens at {server} ({why})"), format!("{by}; is the cluster up, and is this its address?"))
        } else {
            (format!("cannot connect to {server}: {why}"), by.clone())
        };
        self.broken(message, Some(hint), if connecting { When::Unsent } else { When::Lost })
    }

    /// Somebody else answers there: a proxy, a login page, a server whose path is wrong.
    pub(super) fn no_api_server(&self, response: &Response) -> Fault {
        let said = format!("{} answers (HTTP {}), but not as a Kubernetes API server", self.place.server, response.status);
        fault(said, format!("{}: see its `server` and, if there is one, its proxy", self.place.by))
    }

    fn not_known(&self, response: &Response) -> Fault {
        let said = response.body.get("message").and_then(Json::as_str).unwrap_or("Unauthorized");
        let who = self.place.user.as_ref().map(|user| format!(" of the user `{user}`")).unwrap_or_default();
        fault(
            format!("{} does not accept the credentials{who} (401: {said})", self.place.server),
            format!("{}; log in again, or renew its token or certificate", self.place.by),
        )
    }
}

async fn build(mut login: Login, address: &Address, number: u32) -> Result<Live, Fault> {
    let mut until = None;
    if let Some(exec) = &login.plugin {
        until = plugin::run(exec, &mut login.config.auth_info, &login.place).await?;
    }
    let connect = if address.timeout == 0 { CONNECT } else { address.timeout };
    login.config.connect_timeout = Some(Duration::from_secs(connect));
    login.config.default_retry = false;
    login.config.headers.push((USER_AGENT, HeaderValue::from_static(concat!("play/", env!("CARGO_PKG_VERSION")))));
    let builder = ClientBuilder::try_from(login.config).map_err(|error| {
        let hint = "see the user's token, certificate and key, and the cluster's certificate-authority";
        fault(format!("{}: {}", login.place.by, innermost(&error)), hint.to_string())
    })?;
    Ok(Live { client: builder.build(), until, renewable: login.plugin.is_some(), number })
}

fn response(status: u16, headers: &HeaderMap<HeaderValue>, bytes: &[u8]) -> Response {
    let body = serde_json::from_slice(bytes).unwrap_or_else(|_| Json::String(String::from_utf8_lossy(bytes).trim().to_string()));
    let retry_after = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()).and_then(|seconds| seconds.trim().parse().ok());
    Response { status, body, warnings: warning::texts(headers), retry_after }
}

fn chain<'a>(error: &'a (dyn std::error::Error + 'static)) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}

fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}
