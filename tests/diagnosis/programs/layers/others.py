# functions of other courses, in other styles
import numpy as np


def sig(x): return 1/(1+np.exp(-x))

# 1 class-free fc with bias row vector (1,M)
def fc_fwd(X, W, b): return X @ W + b
def fc_bwd(dZ, X, W): return dZ @ W.T, X.T @ dZ, dZ.sum(axis=0, keepdims=True)
def fc_bwd_wrong(dZ, X, W): return dZ @ W.T, X.T @ dZ, dZ.mean(axis=0, keepdims=True)
# 2 W as (out, in)
def linear_forward(x, weight, bias): return x @ weight.T + bias, (x, weight)
def linear_backward(grad_out, cache):
    x, weight = cache
    return {'grad_x': grad_out @ weight, 'grad_weight': grad_out.T @ x, 'grad_bias': grad_out.sum(0)}
def linear_backward_w(grad_out, cache):
    x, weight = cache
    return {'grad_x': grad_out @ weight, 'grad_weight': (grad_out.T @ x).T, 'grad_bias': grad_out.sum(0)}
# 3 softmax CE with one hot, columns
def softmax_ce(Z, Y):
    e = np.exp(Z - Z.max(axis=0)); A = e / e.sum(axis=0)
    return -np.sum(Y*np.log(A)) / Y.shape[1], (A - Y)/Y.shape[1]
def softmax_ce_bad(Z, Y):
    e = np.exp(Z - Z.max(axis=0)); A = e / e.sum(axis=0)
    return -np.sum(Y*np.log(A)) / Y.shape[1], (Y - A)/Y.shape[1]
# 4 cross entropy separate, clipped
def cross_entropy(p, y): 
    p = np.clip(p, 1e-12, 1-1e-12); return -np.mean(np.sum(y*np.log(p), axis=1))
def cross_entropy_backward(p, y): return -y/p/len(p)
def cross_entropy_backward_eps(p, y): return -y/(p+1e-8)/len(p)
def cross_entropy_backward_bad(p, y): return (p - y)/len(p)
# 5 leaky relu, prelu, elu, softplus, swish
def elu_forward(x, alpha=1.0): return np.where(x>0, x, alpha*(np.exp(x)-1)), (x, alpha)
def elu_backward(dout, cache):
    x, alpha = cache; return dout*np.where(x>0, 1, alpha*np.exp(x))
def elu_backward_bad(dout, cache):
    x, alpha = cache; return dout*np.where(x>0, 1, alpha*(np.exp(x)-1))
def swish(x): return x*sig(x)
def swish_backward(dy, x): s = sig(x); return dy*(s + x*s*(1-s))
# 6 GRU step
def gru_forward(x, h_prev, Wz, Wr, Wh, bz, br, bh):
    c = np.hstack([h_prev, x]); z = sig(c@Wz+bz); r = sig(c@Wr+br)
    c2 = np.hstack([r*h_prev, x]); hh = np.tanh(c2@Wh+bh)
    h = (1-z)*h_prev + z*hh
    return h, (x,h_prev,Wz,Wr,Wh,c,c2,z,r,hh)
def gru_backward(dh, cache):
    x,hp,Wz,Wr,Wh,c,c2,z,r,hh = cache; H = hp.shape[1]
    dz = dh*(hh-hp)*z*(1-z); dhh = dh*z*(1-hh**2); dhp = dh*(1-z)
    dWh = c2.T@dhh; dbh = dhh.sum(0); dc2 = dhh@Wh.T
    drh = dc2[:,:H]; dx = dc2[:,H:].copy(); dhp = dhp + drh*r; dr = drh*hp*r*(1-r)
    dWz = c.T@dz; dbz = dz.sum(0); dWr = c.T@dr; dbr = dr.sum(0)
    dc = dz@Wz.T + dr@Wr.T; dhp = dhp + dc[:,:H]; dx += dc[:,H:]
    return dx, dhp, dWz, dWr, dWh, dbz, dbr, dbh
# 7 groupnorm (with G)
def spatial_groupnorm_forward(x, gamma, beta, G, gn_param):
    eps = gn_param.get('eps', 1e-5); N,C,H,W = x.shape
    xg = x.reshape(N*G, -1).T; mu = xg.mean(0); var = xg.var(0); std = np.sqrt(var+eps); z = (xg-mu)/std
    z = z.T.reshape(N,C,H,W); out = gamma*z+beta
    return out, (G, z, std, gamma)
def spatial_groupnorm_backward(dout, cache):
    G, z, std, gamma = cache; N,C,H,W = dout.shape
    dbeta = dout.sum(axis=(0,2,3), keepdims=True); dgamma = (dout*z).sum(axis=(0,2,3), keepdims=True)
    d = (dout*gamma).reshape(N*G,-1).T; zz = z.reshape(N*G,-1).T; M = d.shape[0]
    dx = (d - d.mean(0) - zz*(d*zz).mean(0))/std
    return dx.T.reshape(N,C,H,W), dgamma, dbeta
# 8 batchnorm features x samples
def bn_forward(Z, gamma, beta, eps=1e-8):
    mu = np.mean(Z, axis=1, keepdims=True); var = np.var(Z, axis=1, keepdims=True)
    Zn = (Z-mu)/np.sqrt(var+eps); return gamma*Zn+beta, (Zn, var, gamma, eps)
def bn_backward(dout, cache):
    Zn, var, gamma, eps = cache; m = dout.shape[1]
    dg = np.sum(dout*Zn, axis=1, keepdims=True); db = np.sum(dout, axis=1, keepdims=True)
    dZ = gamma/np.sqrt(var+eps)/m*(m*dout - db - Zn*dg); return dZ, dg, db
def bn_backward_noeps(dout, cache):
    Zn, var, gamma, eps = cache; m = dout.shape[1]
    dg = np.sum(dout*Zn, axis=1, keepdims=True); db = np.sum(dout, axis=1, keepdims=True)
    dZ = gamma/np.sqrt(var)/m*(m*dout - db - Zn*dg); return dZ, dg, db
# 9 multihead attention
def mha_forward(X, Wq, Wk, Wv, Wo):
    Q,K,V = X@Wq, X@Wk, X@Wv; S = Q@K.transpose(0,2,1)/np.sqrt(Q.shape[-1])
    e = np.exp(S-S.max(-1,keepdims=True)); P = e/e.sum(-1,keepdims=True); O = P@V
    return O@Wo, (X,Wq,Wk,Wv,Wo,Q,K,V,P,O)
def mha_backward(dY, cache):
    X,Wq,Wk,Wv,Wo,Q,K,V,P,O = cache; s = np.sqrt(Q.shape[-1])
    dWo = np.einsum('btd,bte->de', O, dY); dO = dY@Wo.T; dV = P.transpose(0,2,1)@dO; dP = dO@V.transpose(0,2,1)
    dS = P*(dP-(dP*P).sum(-1,keepdims=True))/s; dQ = dS@K; dK = dS.transpose(0,2,1)@Q
    f = lambda A,B: np.einsum('btd,bte->de', A, B)
    return dQ@Wq.T+dK@Wk.T+dV@Wv.T, f(X,dQ), f(X,dK), f(X,dV), dWo
# 10 dropout with keep_prob rng
def dropout_fwd(A, keep_prob):
    D = np.random.rand(*A.shape) < keep_prob; return A*D/keep_prob, D
def dropout_bwd(dA, D, keep_prob): return dA*D/keep_prob
def dropout_bwd_bad(dA, D, keep_prob): return dA*D
# 11 regularized l2 linear
def ridge(X, w, y, lam): r = X@w - y; return (r@r)/(2*len(y)) + lam*w@w, X.T@r/len(y) + 2*lam*w
def ridge_bad(X, w, y, lam): r = X@w - y; return (r@r)/(2*len(y)) + lam*w@w, X.T@r/len(y) + lam*w
# 12 logistic regression propagate (deeplearning.ai): returns grads, cost
def propagate(w, b, X, Y):
    m = X.shape[1]; A = sig(w.T@X + b); cost = -np.sum(Y*np.log(A)+(1-Y)*np.log(1-A))/m
    return {"dw": X@(A-Y).T/m, "db": np.sum(A-Y)/m}, cost
def propagate_bad(w, b, X, Y):
    m = X.shape[1]; A = sig(w.T@X + b); cost = -np.sum(Y*np.log(A)+(1-Y)*np.log(1-A))/m
    return {"dw": X@(A-Y).T/m, "db": np.sum(A-Y)}, cost
# 13 huber etc loss separate
def bce(y_pred, y_true): return -np.mean(y_true*np.log(y_pred)+(1-y_true)*np.log(1-y_pred))
def bce_prime(y_pred, y_true): return ((1-y_true)/(1-y_pred) - y_true/y_pred)/np.size(y_true)
def bce_prime_bad(y_pred, y_true): return (y_true/y_pred - (1-y_true)/(1-y_pred))/np.size(y_true)
# 14 mse (y_true, y_pred) order, hinge
def mse(y_true, y_pred): return np.mean((y_true-y_pred)**2)
def mse_prime(y_true, y_pred): return 2*(y_pred-y_true)/np.size(y_true)
# 15 float32
def aff32(x, w, b): x=x.astype(np.float32); return x@w.astype(np.float32)+b.astype(np.float32), (x,w)
def aff32_backward(dout, cache):
    x,w = cache; return (dout@w.T).astype(np.float32), (x.T@dout).astype(np.float32), dout.sum(0).astype(np.float32)
# 16 avg pool / flatten / im2col
def avg_pool_forward(x): 
    N,C,H,W = x.shape; return x.reshape(N,C,H//2,2,W//2,2).mean(axis=(3,5)), x.shape
def avg_pool_backward(dout, shape): return np.repeat(np.repeat(dout,2,axis=2),2,axis=3)/4
def avg_pool_backward_bad(dout, shape): return np.repeat(np.repeat(dout,2,axis=2),2,axis=3)
def flatten_forward(x): return x.reshape(x.shape[0],-1), x.shape
def flatten_backward(dout, cache): return dout.reshape(cache)
# 17 concat/add with broadcasting bias, 1-d conv
def conv1d_forward(x, w): return np.array([x[i:i+len(w)]@w for i in range(len(x)-len(w)+1)]), (x,w)
def conv1d_backward(dout, cache):
    x,w = cache; dx = np.zeros_like(x); dw = np.zeros_like(w)
    for i,d in enumerate(dout): dx[i:i+len(w)] += d*w; dw += d*x[i:i+len(w)]
    return dx, dw
# 18 lists
def sigmoid_list(z): return [1/(1+np.exp(-v)) for v in z]
# 19 softmax loss naive loop with W,X,y,reg
def softmax_loss_naive(W, X, y, reg):
    loss=0.0; dW=np.zeros_like(W)
    for i in range(X.shape[0]):
        s = X[i]@W; s -= s.max(); p = np.exp(s)/np.sum(np.exp(s)); loss -= np.log(p[y[i]])
        p[y[i]] -= 1; dW += np.outer(X[i], p)
    N=X.shape[0]; return loss/N + reg*np.sum(W*W), dW/N + 2*reg*W
def softmax_loss_naive_bad(W, X, y, reg):
    l, d = softmax_loss_naive(W, X, y, reg); return l, d - reg*W
# 20 layer tuple dict cache
def affine_d(x, w, b): return x.dot(w)+b, {'x':x,'w':w}
def affine_d_backward(dout, cache): 
    return {'x': dout.dot(cache['w'].T), 'w': cache['x'].T.dot(dout), 'b': dout.sum(0)}
def temporal_softmax_loss(x, y, mask):
    N,T,V = x.shape; xf=x.reshape(N*T,V); yf=y.reshape(N*T); mf=mask.reshape(N*T)
    p=np.exp(xf-xf.max(1,keepdims=True)); p/=p.sum(1,keepdims=True)
    loss=-np.sum(mf*np.log(p[np.arange(N*T),yf]))/N
    d=p.copy(); d[np.arange(N*T),yf]-=1; d/=N; d*=mf[:,None]
    return loss, d.reshape(N,T,V)
def two_layer(x, W1, b1, W2, b2):
    h=np.maximum(0,x@W1+b1); return h@W2+b2, (x,W1,h,W2)
def two_layer_backward(dout, cache):
    x,W1,h,W2=cache; dh=dout@W2.T*(h>0)
    return {'W1':x.T@dh,'b1':dh.sum(0),'W2':h.T@dout,'b2':dout.sum(0)}
def two_layer_backward_bad(dout, cache):
    x,W1,h,W2=cache; dh=dout@W2.T
    return {'W1':x.T@dh,'b1':dh.sum(0),'W2':h.T@dout,'b2':dout.sum(0)}
