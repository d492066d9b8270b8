use axum::{Json, Router, extract::State, http::Uri};
use serde_json::Value;
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{net::TcpListener, task::JoinHandle};

type Posts = Arc<Mutex<Vec<(String, Value)>>>;

/// Takes whatever JSON is posted to it, as a service of others would. It ends when the value is dropped.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    posts: Posts,
    serving: JoinHandle<()>,
}

impl Receiver {
    /// Starts one.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, posts) = (listener.local_addr()?, Posts::default());
        let router = Router::new().fallback(take).with_state(posts.clone());
        let serving = tokio::spawn(async move {
            // Ends with the value.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, posts, serving })
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All that was posted, each with its path.
    pub fn received(&self) -> Vec<(String, Value)> {
        self.posts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn take(State(posts): State<Posts>, uri: Uri, Json(body): Json<Value>) {
    posts.lock().unwrap_or_else(PoisonError::into_inner).push((uri.path().to_owned(), body));
}
