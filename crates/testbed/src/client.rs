use anyhow::{Context, bail, ensure};
use reqwest::{
    Client, Method, RequestBuilder, StatusCode,
    header::{COOKIE, HeaderMap, ORIGIN, SET_COOKIE},
};
use serde_json::Value;
use std::time::Duration;

use crate::{contract::check_answer, socket::Socket};

/// What the server answered.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, as it came.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON; `null` where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header; empty where it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Makes anything but a success an error that shows the server's own words.
    pub fn success(self) -> anyhow::Result<Self> {
        ensure!(self.status.is_success(), "the server answered {}: {}", self.status, self.text());
        Ok(self)
    }
}

/// One who uses the public API, with a session of their own.
#[derive(Clone, Debug)]
pub struct Walker {
    http: Client,
    gateway: String,
    notifier: String,
    origin: String,
    cookie: Option<String>,
    /// Told as X-Forwarded-For, to a gateway that trusts a proxy.
    address: Option<String>,
}

impl Walker {
    /// Someone without a session. Both URLs are of the form `http://host:port`.
    pub fn stranger(gateway: &str, notifier: &str) -> anyhow::Result<Self> {
        let http = Client::builder().timeout(Duration::from_secs(60)).no_proxy().build()?;
        let [origin, gateway] = [gateway, gateway].map(String::from);
        Ok(Self { http, gateway, notifier: notifier.into(), origin, cookie: None, address: None })
    }

    /// A new user.
    pub async fn arrive(gateway: &str, notifier: &str) -> anyhow::Result<Self> {
        let mut walker = Self::stranger(gateway, notifier)?;
        walker.register().await?;
        Ok(walker)
    }

    /// Becomes a user and keeps the session.
    pub async fn register(&mut self) -> anyhow::Result<Value> {
        let answer = self.send(Method::POST, "/api/v1/users", None).await?.success()?;
        if let Some(cookie) =
            answer.header(SET_COOKIE.as_str()).split(';').next().filter(|pair| !pair.is_empty())
        {
            self.cookie = Some(cookie.to_owned());
        }
        ensure!(self.cookie.is_some(), "the server gave no session cookie");
        Ok(answer.json())
    }

    /// The session, as `name=value`.
    pub fn cookie(&self) -> Option<&str> {
        self.cookie.as_deref()
    }

    /// The same client with another session, or none.
    pub fn with_cookie(mut self, cookie: Option<String>) -> Self {
        self.cookie = cookie;
        self
    }

    /// The same client, whom a gateway that trusts one proxy sees at this address.
    pub fn from_address(mut self, address: &str) -> Self {
        self.address = Some(address.to_owned());
        self
    }

    /// The same client at another gateway or notifier.
    pub fn at(mut self, gateway: &str, notifier: &str) -> Self {
        (self.gateway, self.notifier) = (gateway.into(), notifier.into());
        self
    }

    /// A request with session and origin, for a test to spoil.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut request =
            self.http.request(method, format!("{}{path}", self.gateway)).header(ORIGIN, &self.origin);
        if let Some(address) = &self.address {
            request = request.header("x-forwarded-for", address);
        }
        match &self.cookie {
            Some(cookie) => request.header(COOKIE, cookie),
            None => request,
        }
    }

    /// Sends a request and reads the whole answer.
    pub async fn answer(request: RequestBuilder) -> anyhow::Result<Answer> {
        let (client, request) = request.build_split();
        let request = request.context("making a request")?;
        let (method, target) = (request.method().clone(), request.url().path().to_owned());
        let answer = client.execute(request).await.context("asking the API")?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.bytes().await.context("reading the answer")?.to_vec();
        let answer = Answer { status, headers, body };
        check_answer(&method, &target, &answer);
        Ok(answer)
    }

    /// Sends a request with a JSON body, or none.
    pub async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Answer> {
        let request = self.request(method, path);
        Self::answer(if let Some(body) = body { request.json(body) } else { request }).await
    }

    /// Reads something.
    pub async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.send(Method::GET, path, None).await
    }

    /// Asks for a route.
    pub async fn post_route(&self, wish: &Value) -> anyhow::Result<(StatusCode, Value)> {
        let answer = self.send(Method::POST, "/api/v1/routes", Some(wish)).await?;
        Ok((answer.status, answer.json()))
    }

    /// Reads a route.
    pub async fn get_route(&self, route_id: &str) -> anyhow::Result<(StatusCode, Value)> {
        let answer = self.get(&format!("/api/v1/routes/{route_id}")).await?;
        Ok((answer.status, answer.json()))
    }

    /// Reads a route in another form, such as `application/gpx+xml`.
    pub async fn export(&self, route_id: &str, accept: &str) -> anyhow::Result<String> {
        let request =
            self.request(Method::GET, &format!("/api/v1/routes/{route_id}")).header("accept", accept);
        Ok(Self::answer(request).await?.success()?.text())
    }

    /// Opens the WebSocket.
    pub async fn websocket(&self) -> anyhow::Result<Socket> {
        let url = format!("{}/ws", self.notifier.replacen("http", "ws", 1));
        Socket::open(&url, self.cookie(), Some(&self.origin)).await.with_context(|| format!("opening {url}"))
    }

    /// Asks for a route, follows it live and returns it. `seen` hears each status as it comes.
    pub async fn walk_until_complete(
        &self,
        wish: &Value,
        within: Duration,
        seen: impl FnMut(&Value),
    ) -> anyhow::Result<Value> {
        let mut socket = self.websocket().await?;
        let route = tokio::time::timeout(within, self.follow(&mut socket, wish, within, seen)).await;
        socket.close().await;
        route.with_context(|| format!("no route within {} s", within.as_secs()))?
    }

    /// As [`Self::walk_until_complete`], on a WebSocket that is open already.
    pub async fn follow(
        &self,
        socket: &mut Socket,
        wish: &Value,
        within: Duration,
        mut seen: impl FnMut(&Value),
    ) -> anyhow::Result<Value> {
        let (status, accepted) = self.post_route(wish).await?;
        ensure!(status.is_success(), "the request was refused with {status}: {accepted}");
        // A known result is answered with 200 and complete; nothing more comes over the WebSocket then.
        let mut latest = accepted.clone();
        loop {
            seen(&latest);
            match latest["status"].as_str() {
                Some("complete") => break,
                Some("failed") => {
                    bail!("there is no such walk: {}", latest["error"].as_str().unwrap_or_default())
                }
                _ => {}
            }
            latest = loop {
                let event = socket.next_of("route_generation_status", within).await?;
                if event["request_id"] == accepted["request_id"] {
                    break event;
                }
            };
        }
        let route_id = accepted["route_id"].as_str().context("the answer has no route_id")?;
        let (status, route) = self.get_route(route_id).await?;
        ensure!(status == StatusCode::OK, "reading the route: {status}: {route}");
        Ok(route)
    }
}
