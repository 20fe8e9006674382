"""Are nodes, printed tensors and error texts PyTorch's?  Three tables of facts, read off PyTorch by running it."""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np
import pytest

import retrograd as torch

# An expression and the class of the node that made its value.
NODES = """
x+y    AddBackward0
x+1    AddBackward0
x-y    SubBackward0
1-x    RsubBackward1
x*y    MulBackward0
x*2    MulBackward0
x/y    DivBackward0
1/x    MulBackward0
x%y    RemainderBackward1
-x    NegBackward0
x**2    PowBackward0
x**y    PowBackward1
2**x    PowBackward2
abs(x)    AbsBackward0
x@y    MmBackward0
x@v    MvBackward0
v@w    DotBackward0
b@b    UnsafeViewBackward0
b@v    UnsafeViewBackward0
torch.mm(x,y)    MmBackward0
torch.mv(x,v)    MvBackward0
torch.dot(v,w)    DotBackward0
torch.bmm(b,b)    BmmBackward0
torch.outer(v,w)    MulBackward0
torch.addmm(x,x,y)    AddmmBackward0
torch.addcmul(x,x,y)    AddcmulBackward0
torch.addcdiv(x,x,y)    AddcdivBackward0
torch.lerp(x,y,.5)    LerpBackward0
torch.lerp(x,y,y)    LerpBackward1
torch.einsum('ij,jk',x,y)    ViewBackward0
x.exp()    ExpBackward0
x.exp2()    Exp2Backward0
x.expm1()    Expm1Backward0
x.log()    LogBackward0
x.log2()    Log2Backward0
x.log10()    Log10Backward0
x.log1p()    Log1PBackward0
x.sqrt()    SqrtBackward0
x.rsqrt()    RsqrtBackward0
x.square()    PowBackward0
x.sin()    SinBackward0
x.cos()    CosBackward0
x.tan()    TanBackward0
x.asin()    AsinBackward0
x.acos()    AcosBackward0
x.atan()    AtanBackward0
x.sinh()    SinhBackward0
x.cosh()    CoshBackward0
x.tanh()    TanhBackward0
x.asinh()    AsinhBackward0
(x+1).acosh()    AcoshBackward0
(x*.5).atanh()    AtanhBackward0
torch.atan2(x,y)    Atan2Backward0
torch.hypot(x,y)    HypotBackward0
x.sigmoid()    SigmoidBackward0
x.relu()    ReluBackward0
x.reciprocal()    ReciprocalBackward0
x.neg()    NegBackward0
x.abs()    AbsBackward0
x.sign()    SignBackward0
x.floor()    FloorBackward0
x.ceil()    CeilBackward0
x.round()    RoundBackward0
x.trunc()    TruncBackward0
x.frac()    FracBackward0
x.clamp(0,.5)    ClampBackward1
x.clamp_min(0.1)    ClampMinBackward0
torch.clamp(x,y,y)    ClampBackward0
torch.maximum(x,y)    MaximumBackward0
torch.minimum(x,y)    MinimumBackward0
torch.fmax(x,y)    FmaxBackward0
torch.where(m,x,y)    WhereBackward0
x.nan_to_num()    NanToNumBackward0
torch.logaddexp(x,y)    LogaddexpBackward0
torch.xlogy(x,y)    XlogyBackward0
torch.logit(x*.5)    LogitBackward0
x.sum()    SumBackward0
x.sum(0)    SumBackward1
x.sum((0,1))    SumBackward1
x.mean()    MeanBackward0
x.mean(0)    MeanBackward1
x.prod()    ProdBackward0
x.prod(0)    ProdBackward1
x.var()    VarBackward0
x.std()    StdBackward0
x.std(0)    StdBackward0
x.max()    MaxBackward1
x.min()    MinBackward1
x.max(0)[0]    MaxBackward0
x.max(0).values    MaxBackward0
x.amax(0)    AmaxBackward0
x.amin()    AminBackward0
x.median()    MedianBackward0
x.median(0)[0]    MedianBackward1
x.norm()    LinalgVectorNormBackward0
x.norm(1)    LinalgVectorNormBackward0
x.logsumexp(0)    LogsumexpBackward0
x.softmax(0)    SoftmaxBackward0
x.log_softmax(0)    LogSoftmaxBackward0
x.cumsum(0)    CumsumBackward0
x.cumprod(0)    CumprodBackward0
x.nansum()    NansumBackward0
x.trace()    TraceBackward0
x.sort()[0]    SortBackward0
x.topk(2)[0]    TopkBackward0
x.kthvalue(2)[0]    KthvalueBackward0
torch.dist(x,y)    DistBackward0
x.view(16)    ViewBackward0
x.view(2,8)    ViewBackward0
x.reshape(16)    ViewBackward0
x.t().reshape(16)    UnsafeViewBackward0
x.flatten()    ViewBackward0
x.t()    TBackward0
x.T    PermuteBackward0
x.transpose(0,1)    TransposeBackward0
x.permute(1,0)    PermuteBackward0
x.mT    TransposeBackward0
x.unsqueeze(0)    UnsqueezeBackward0
x.unsqueeze(0).squeeze(0)    SqueezeBackward1
x.unsqueeze(0).squeeze()    SqueezeBackward0
x.expand(2,4,4)    ExpandBackward0
x.expand_as(b)    ExpandBackward0
x.repeat(2,1)    RepeatBackward0
x.tile(2)    RepeatBackward0
torch.broadcast_to(x,(2,4,4))    ExpandBackward0
x[0]    SelectBackward0
x[0,1]    SelectBackward0
x[1:3]    SliceBackward0
x[:,1]    SelectBackward0
x[...]    AliasBackward0
x[None]    UnsqueezeBackward0
x[idx]    IndexBackward0
x[m]    IndexBackward0
x[idx,idx]    IndexBackward0
x.select(0,1)    SelectBackward0
x.narrow(0,1,2)    SliceBackward0
x.index_select(0,idx)    IndexSelectBackward0
x.gather(0,li)    GatherBackward0
x.take(idx)    TakeBackward0
x.masked_select(m)    MaskedSelectBackward0
x.masked_fill(m,0)    MaskedFillBackward0
x.scatter(0,li,y)    ScatterBackward0
x.scatter_add(0,li,y)    ScatterAddBackward0
x.index_add(0,idx,y[:2])    IndexAddBackward0
x.index_copy(0,idx,y[:2])    IndexCopyBackward0
x.index_fill(0,idx,0.)    IndexFillBackward0
x.index_put((idx,),y[:2])    IndexPutBackward0
torch.take_along_dim(x,li,0)    GatherBackward0
x.split(2)[0]    SplitBackward0
x.chunk(2)[0]    SplitBackward0
x.unbind()[0]    UnbindBackward0
torch.cat([x,y])    CatBackward0
torch.stack([x,y])    StackBackward0
torch.hstack([x,y])    CatBackward0
torch.vstack([x,y])    CatBackward0
x.flip(0)    FlipBackward0
x.roll(1)    RollBackward0
x.rot90()    Rot90Backward0
x.diag()    DiagonalBackward0_copy
v.diag()    DiagEmbedBackward0
x.diagonal()    DiagonalBackward0
x.tril()    TrilBackward0
x.triu()    TriuBackward0
torch.kron(x,y)    UnsafeViewBackward0
torch.meshgrid(v,w,indexing='ij')[0]    ExpandBackward0
x.movedim(0,1)    PermuteBackward0
x.swapaxes(0,1)    TransposeBackward0
x.t().contiguous()    CloneBackward0
x.clone()    CloneBackward0
x.detach()    None (requires_grad=False)
x.view_as(x)    ViewBackward0
x.to(torch.float64)    ToCopyBackward0
x.double()    ToCopyBackward0
x.type_as(c.real.double())    ToCopyBackward0
torch.repeat_interleave(x,2)    ViewBackward0
torch.cross(x[:3,:3],y[:3,:3],dim=1)    LinalgCrossBackward0
torch.diff(x)    SubBackward0
torch.tensordot(x,y,1)    ViewBackward0
torch.ravel(x)    ViewBackward0
torch.inner(x,y)    ViewBackward0
c.real    SelectBackward0
c.imag    SelectBackward0
c.conj()    ConjBackward0
c.abs()    AbsBackward0
c.angle()    AngleBackward0
torch.complex(x,y)    ComplexBackward0
torch.trace(x)    TraceBackward0
x.clone().add_(1)    AddBackward0
x.clone().mul_(y)    MulBackward0
x.clone().sub_(y)    SubBackward0
x.clone().div_(2)    DivBackward0
x.clone().pow_(2)    PowBackward0
x.clone().exp_()    ExpBackward0
x.clone().sin_()    SinBackward0
x.clone().copy_(y)    CopyBackwards
x.clone().zero_()    ZeroBackward0
x.clone().fill_(1.)    FillBackward2
x.clone().clamp_(0,1)    ClampBackward1
x.clone().neg_()    NegBackward0
x.clone().masked_fill_(m,0)    MaskedFillBackward0
x.clone().index_add_(0,idx,y[:2])    IndexAddBackward0
x.clone().relu_()    ReluBackward0
x.clone().sqrt_()    SqrtBackward0
x.clone().detach_()    None (requires_grad=False)
"""

# An expression and how its value prints; addresses are left out.
PRINTED = """
>>> torch.tensor(1.)
tensor(1.)
>>> torch.tensor(3)
tensor(3)
>>> torch.tensor(True)
tensor(True)
>>> torch.tensor(0.1, dtype=torch.float64)
tensor(0.1000, dtype=torch.float64)
>>> torch.tensor([1,2,3])
tensor([1, 2, 3])
>>> torch.tensor([1.,2.,3.])
tensor([1., 2., 3.])
>>> torch.tensor([1.5,2.25,3.])
tensor([1.5000, 2.2500, 3.0000])
>>> torch.tensor([0.1,0.2,0.3], dtype=torch.float64)
tensor([0.1000, 0.2000, 0.3000], dtype=torch.float64)
>>> torch.tensor([[1.,2.],[3.,4.]])
tensor([[1., 2.],
        [3., 4.]])
>>> torch.tensor([1.,2.], requires_grad=True)
tensor([1., 2.], requires_grad=True)
>>> torch.tensor(2., requires_grad=True)
tensor(2., requires_grad=True)
>>> torch.tensor([1.,2.], requires_grad=True)+1
tensor([2., 3.], grad_fn=<AddBackward0>)
>>> torch.tensor([1.,2.], dtype=torch.float64, requires_grad=True)*2
tensor([2., 4.], dtype=torch.float64, grad_fn=<MulBackward0>)
>>> torch.tensor([1.,2.], requires_grad=True).mean()
tensor(1.5000, grad_fn=<MeanBackward0>)
>>> torch.tensor([1.,2.], requires_grad=True).sum()
tensor(3., grad_fn=<SumBackward0>)
>>> torch.ones(2,2,requires_grad=True)@torch.ones(2,2)
tensor([[2., 2.],
        [2., 2.]], grad_fn=<MmBackward0>)
>>> torch.tensor([1e-5,1.])
tensor([1.0000e-05, 1.0000e+00])
>>> torch.tensor([1e-3,1000.])
tensor([1.0000e-03, 1.0000e+03])
>>> torch.tensor([1e5,1.])
tensor([1.0000e+05, 1.0000e+00])
>>> torch.tensor([1e8,1.])
tensor([1.0000e+08, 1.0000e+00])
>>> torch.tensor([123456.,0.5])
tensor([1.2346e+05, 5.0000e-01])
>>> torch.tensor([1e10,2e10])
tensor([1.0000e+10, 2.0000e+10])
>>> torch.tensor([float('nan'),float('inf'),-1.])
tensor([nan, inf, -1.])
>>> torch.tensor([1.,float('inf')])
tensor([1., inf])
>>> torch.tensor([-1.,2.])
tensor([-1.,  2.])
>>> torch.tensor([])
tensor([])
>>> torch.zeros(2,0)
tensor([], size=(2, 0))
>>> torch.zeros(0,3,dtype=torch.int64)
tensor([], size=(0, 3), dtype=torch.int64)
>>> torch.tensor([True,False])
tensor([ True, False])
>>> torch.tensor([1+2j,3-4j])
tensor([1.+2.j, 3.-4.j])
>>> torch.tensor([1.5+2j,3-4.25j],requires_grad=True)
tensor([1.5000+2.0000j, 3.0000-4.2500j], requires_grad=True)
>>> torch.arange(10)
tensor([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
>>> torch.arange(10.)
tensor([0., 1., 2., 3., 4., 5., 6., 7., 8., 9.])
>>> torch.arange(1001)
tensor([   0,    1,    2,  ...,  998,  999, 1000])
>>> torch.zeros(2,2,2)
tensor([[[0., 0.],
         [0., 0.]],

        [[0., 0.],
         [0., 0.]]])
>>> torch.ones(2,3,dtype=torch.float32).to(torch.float16)
tensor([[1., 1., 1.],
        [1., 1., 1.]], dtype=torch.float16)
>>> torch.tensor([1,2],dtype=torch.int32)
tensor([1, 2], dtype=torch.int32)
>>> torch.tensor([1,2],dtype=torch.uint8)
tensor([1, 2], dtype=torch.uint8)
>>> torch.arange(30.)/7
tensor([0.0000, 0.1429, 0.2857, 0.4286, 0.5714, 0.7143, 0.8571, 1.0000, 1.1429,
        1.2857, 1.4286, 1.5714, 1.7143, 1.8571, 2.0000, 2.1429, 2.2857, 2.4286,
        2.5714, 2.7143, 2.8571, 3.0000, 3.1429, 3.2857, 3.4286, 3.5714, 3.7143,
        3.8571, 4.0000, 4.1429])
>>> torch.tensor([[0.1234567,100.5],[-3.,2.]])
tensor([[  0.1235, 100.5000],
        [ -3.0000,   2.0000]])
>>> torch.tensor(1234567.)
tensor(1234567.)
>>> torch.tensor(1e-10)
tensor(1.0000e-10)
>>> torch.tensor([1/3]*3)
tensor([0.3333, 0.3333, 0.3333])
>>> torch.Size([2,3])
torch.Size([2, 3])
>>> torch.float32
torch.float32
>>> torch.ones(1,requires_grad=True).grad
None
>>> (torch.ones(1,requires_grad=True)*2).grad_fn.__class__
<class 'MulBackward0'>
>>> (torch.ones(1,requires_grad=True)*2).grad_fn.name()
'MulBackward0'
>>> torch.device('cpu')
device(type='cpu')
>>> torch.finfo(torch.float32)
finfo(resolution=1e-06, min=-3.40282e+38, max=3.40282e+38, eps=1.19209e-07, smallest_normal=1.17549e-38, tiny=1.17549e-38, dtype=float32)
>>> torch.iinfo(torch.int32)
iinfo(min=-2.14748e+09, max=2.14748e+09, dtype=int32)
>>> torch.tensor([1.,3.,2.]).max(0)
torch.return_types.max(
values=tensor(3.),
indices=tensor(1))
>>> torch.nn.Parameter(torch.ones(2))
Parameter containing:
tensor([1., 1.], requires_grad=True)
>>> torch.ones(2).type()
'torch.FloatTensor'
>>> torch.ones(2).dtype, torch.ones(2).shape, torch.ones(2).stride(), torch.ones(2).device
(torch.float32, torch.Size([2]), (1,), device(type='cpu'))
>>> str(torch.ones(2,requires_grad=True)+1)
'tensor([2., 2.], grad_fn=<AddBackward0>)'
>>> f"{torch.tensor(1.5,requires_grad=True):.2f}"
'1.50'
>>> torch.tensor(1.5).item()
1.5
>>> torch.ones(2).tolist()
[1.0, 1.0]
>>> torch.get_default_dtype()
torch.float32
"""

# What a program must not do, and what it is told; a warning counts.
ERRORS = """
>>> torch.ones(3,requires_grad=True).mul(2).backward()
RuntimeError: grad can be implicitly created only for scalar outputs
>>> torch.ones(1).backward()
RuntimeError: element 0 of tensors does not require grad and does not have a grad_fn
>>> x=torch.ones(1,requires_grad=True); y=x**2; y.backward(); y.backward()
RuntimeError: Trying to backward through the graph a second time (or directly access saved tensors after they have already been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). Specify retain_graph=True if you need to backward through the graph a second time or if you need to access saved tensors after calling backward.
>>> x=torch.ones(1,requires_grad=True); y=x**2; y.backward(); y.grad_fn._saved_self
RuntimeError: Trying to backward through the graph a second time (or directly access saved tensors after they have already been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). Specify retain_graph=True if you need to backward through the graph a second time or if you need to access saved tensors after calling backward.
>>> x=torch.ones(3,requires_grad=True); torch.autograd.grad(x*2,x)
RuntimeError: grad can be implicitly created only for scalar outputs
>>> x=torch.ones(1,requires_grad=True); y=torch.ones(1,requires_grad=True); torch.autograd.grad(x*2,y)
RuntimeError: The differentiated Tensor at index 0 appears to not have been used in the graph. Set allow_unused=True if this is the desired behavior.
>>> x=torch.ones(1,requires_grad=True); torch.autograd.grad(x*2,torch.ones(1))
RuntimeError: One of the differentiated Tensors does not require grad
>>> x=torch.ones(1,requires_grad=True); torch.autograd.grad(x*2,[])
RuntimeError: `inputs` argument to `grad()` cannot be empty.
>>> x=torch.ones(1,requires_grad=True); (x*2).backward(inputs=[])
RuntimeError: `inputs` argument to `backward()` cannot be empty.
>>> x=torch.ones(2,2,requires_grad=True); torch.autograd.grad(x*2,x,torch.ones(2))
RuntimeError: Mismatch in shape: grad_output[0] has a shape of torch.Size([2]) and output[0] has a shape of torch.Size([2, 2]).
>>> x=torch.ones(2,2,requires_grad=True); (x*2).backward(torch.ones(2))
RuntimeError: Mismatch in shape: grad_output[0] has a shape of torch.Size([2]) and output[0] has a shape of torch.Size([2, 2]).
>>> x=torch.ones(2,2,requires_grad=True); (x*2).backward("a")
TypeError: gradients can be either Tensors or None, but got str
>>> x=torch.ones(2,requires_grad=True); (x*2).backward(torch.ones(2,dtype=torch.complex64))
RuntimeError: For complex Tensors, both grad_output and output are required to have the same dtype. Mismatch in dtype: grad_output[0] has a dtype of torch.complex64 and output[0] has a dtype of torch.float32.
>>> x=torch.ones(1,dtype=torch.complex64,requires_grad=True); (x*2).backward()
RuntimeError: grad can be implicitly created only for real scalar outputs but got torch.complex64
>>> x=torch.ones(3,requires_grad=True); x.add_(1)
RuntimeError: a leaf Variable that requires grad is being used in an in-place operation.
>>> x=torch.ones(3,requires_grad=True); x+=1
RuntimeError: a leaf Variable that requires grad is being used in an in-place operation.
>>> x=torch.ones(3,requires_grad=True); x[0]=1
RuntimeError: a view of a leaf Variable that requires grad is being used in an in-place operation.
>>> x=torch.ones(3,requires_grad=True); x[:2].mul_(2)
RuntimeError: a view of a leaf Variable that requires grad is being used in an in-place operation.
>>> x=torch.ones(3,requires_grad=True); y=x.exp(); y.add_(1); y.sum().backward()
RuntimeError: one of the variables needed for gradient computation has been modified by an inplace operation: [torch.FloatTensor [3]], which is output 0 of Exp, is at version 1; expected version 0 instead. Hint: enable anomaly detection to find the operation that failed to compute its gradient, with torch.autograd.set_detect_anomaly(True, check_nan=False).
>>> x=torch.ones(4,requires_grad=True)*1; a,b=x.split(2); a.mul_(2)
RuntimeError: Output 0 of Split is a view and is being modified inplace. This view is the output of a function that returns multiple views. Such functions do not allow the output views to be modified inplace. You should replace the inplace operation by an out-of-place one.
>>> x=torch.ones(4,2,requires_grad=True)*1; a=x.unbind()[0]; a.mul_(2)
RuntimeError: Output 0 of Unbind is a view and is being modified inplace. This view is the output of a function that returns multiple views. Such functions do not allow the output views to be modified inplace. You should replace the inplace operation by an out-of-place one.
>>> x=torch.ones(4,2,requires_grad=True)*1; a=x.chunk(2)[0]; a.mul_(2)
RuntimeError: Output 0 of Split is a view and is being modified inplace. This view is the output of a function that returns multiple views. Such functions do not allow the output views to be modified inplace. You should replace the inplace operation by an out-of-place one.
>>> x=torch.ones(4,requires_grad=True)*1; x[:2].detach_()
RuntimeError: Can't detach views in-place. Use detach() instead. If you are using DistributedDataParallel (DDP) for training, and gradient_as_bucket_view is set as True, gradients are views of DDP buckets, and hence detach_() cannot be called on these gradients. To fix this error, please refer to the Optimizer.zero_grad() function in torch/optim/optimizer.py as the solution.
>>> torch.ones(1,requires_grad=True).numpy()
RuntimeError: Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.
>>> torch.ones(1,dtype=torch.int64).requires_grad_()
RuntimeError: only Tensors of floating point dtype can require gradients
>>> torch.tensor([1],requires_grad=True)
RuntimeError: Only Tensors of floating point and complex dtype can require gradients
>>> x=torch.ones(1,requires_grad=True)*2; x.requires_grad=False
RuntimeError: you can only change requires_grad flags of leaf variables. If you want to use a computed variable in a subgraph that doesn't require differentiation use var_no_grad = var.detach().
>>> x=torch.ones(1,requires_grad=True)*2; x.requires_grad_(False)
RuntimeError: you can only change requires_grad flags of leaf variables. If you want to use a computed variable in a subgraph that doesn't require differentiation use var_no_grad = var.detach().
>>> x=torch.ones(1,requires_grad=True)*2; x.grad
UserWarning: The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't be populated during autograd.backward(). If you indeed want the .grad field to be populated for a non-leaf Tensor, use .retain_grad() on the non-leaf Tensor. If you access the non-leaf Tensor by mistake, make sure you access the leaf Tensor instead. See github.com/pytorch/pytorch/pull/30531 for more information.
>>> torch.ones(1).retain_grad()
RuntimeError: can't retain_grad on Tensor that has requires_grad=False
>>> torch.ones(1).register_hook(lambda g:g)
RuntimeError: cannot register a hook on a tensor that doesn't require gradient
>>> x=torch.ones(1,requires_grad=True); x.register_hook(lambda g:1); x.mul(2).backward()
TypeError: expected Variable, but hook returned 'int'
>>> x=torch.ones(1,requires_grad=True); y=x.mul(2); y.register_hook(lambda g:torch.ones(3)); y.backward()
RuntimeError: hook '<lambda>' has changed the size of value
>>> x=torch.ones(1,requires_grad=True).mul(2); x.register_post_accumulate_grad_hook(lambda p:None)
RuntimeError: post accumulate grad hooks cannot be registered on non-leaf tensors
>>> x=torch.ones(2,requires_grad=True); x.grad=torch.ones(3)
RuntimeError: attempting to assign a gradient of size '[3]' to a tensor of size '[2]'. Please ensure that the gradient and the tensor are the same size
>>> x=torch.ones(2,requires_grad=True); x.grad=1.0
TypeError: assigned grad expected to be a Tensor or None but got grad of type float
>>> x=torch.ones(2,requires_grad=True); x.grad=torch.ones(2,dtype=torch.float64)
RuntimeError: attempting to assign a gradient with dtype 'double' to a tensor with grad_dtype 'Float'. The gradient must match the tensor's grad_dtype (defaults to the tensor's dtype). You can set the tensor's grad_dtype attribute with a specific dtype, or None to allow any dtype. Set grad_dtype with caution. Diverging the dtypes of a tensor and its gradient may break downstream systems that assume they match.
>>> x=torch.ones(2,requires_grad=True); x.grad=x
RuntimeError: can't assign Variable as its own grad
>>> x=torch.ones(2,requires_grad=True); x.grad_fn=None
AttributeError: attribute 'grad_fn' of 'torch._C.TensorBase' objects is not writable
>>> x=torch.ones(2,requires_grad=True); x.is_leaf=False
AttributeError: attribute 'is_leaf' of 'torch._C.TensorBase' objects is not writable
>>> x=torch.ones(2,requires_grad=True); del x.grad_fn
AttributeError: attribute 'grad_fn' of 'torch._C.TensorBase' objects is not writable
>>> x=torch.ones(1,requires_grad=True); (x**2).backward(create_graph=True); x.grad=None
UserWarning: Using backward() with create_graph=True will create a reference cycle between the parameter and its gradient which can cause a memory leak. We recommend using autograd.grad when creating the graph to avoid this. If you have to use this function, make sure to reset the .grad fields of your parameters to None after use to break the cycle and avoid the leak.
>>> bool(torch.ones(2))
RuntimeError: Boolean value of Tensor with more than one value is ambiguous
>>> torch.ones(2).item()
RuntimeError: a Tensor with 2 elements cannot be converted to Scalar
>>> float(torch.ones(2))
ValueError: only one element tensors can be converted to Python scalars
>>> float(torch.ones(1,requires_grad=True))
UserWarning: Converting a tensor with requires_grad=True to a scalar may lead to unexpected behavior.
Consider using tensor.detach() first.
>>> len(torch.tensor(1.))
TypeError: len() of a 0-d tensor
>>> iter(torch.tensor(1.))
TypeError: iteration over a 0-d tensor
>>> torch.tensor(1.)[0]
IndexError: invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert a 0-dim tensor to a number
>>> torch.tensor(torch.ones(1,requires_grad=True))
UserWarning: To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or sourceTensor.detach().clone().requires_grad_(True), rather than torch.tensor(sourceTensor).
>>> torch.ones(2,3)@torch.ones(2,3)
RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)
>>> torch.mm(torch.ones(2,3),torch.ones(2,3))
RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)
>>> torch.ones(2)+torch.ones(3)
RuntimeError: The size of tensor a (2) must match the size of tensor b (3) at non-singleton dimension 0
>>> torch.ones(6).view(4)
RuntimeError: shape '[4]' is invalid for input of size 6
>>> torch.ones(2,3).t().view(6)
RuntimeError: view size is not compatible with input tensor's size and stride (at least one dimension spans across two contiguous subspaces). Use .reshape(...) instead.
>>> torch.ones(6).reshape(4)
RuntimeError: shape '[4]' is invalid for input of size 6
>>> torch.cat([torch.ones(2,3),torch.ones(3,2)])
RuntimeError: Sizes of tensors must match except in dimension 0. Expected size 3 but got size 2 for tensor number 1 in the list.
>>> torch.ones(2).sum(dim=1)
IndexError: Dimension out of range (expected to be in range of [-1, 0], but got 1)
>>> torch.ones(2)[5]
IndexError: index 5 is out of bounds for dimension 0 with size 2
>>> torch.mm(torch.ones(2,2),torch.ones(2,2,dtype=torch.float64))
RuntimeError: expected m1 and m2 to have the same dtype, but got: float != double
>>> torch.ones(2,dtype=torch.int64).add_(1.5)
RuntimeError: result type Float can't be cast to the desired output type Long
>>> torch.autograd.gradcheck(lambda x:x*2,(torch.ones(2,dtype=torch.float64),))
ValueError: gradcheck expects at least one input tensor to require gradient, but none of them have requires_grad=True.
>>> torch.autograd.functional.jacobian(lambda x: torch.ones(2),torch.ones(2),strict=True)
RuntimeError: Output 0 of the user-provided function does not require gradients. The outputs must be computed in a differentiable manner from the input when running in strict mode.
>>> torch.autograd.functional.jacobian(lambda x: 1,torch.ones(2))
TypeError: The outputs of the user-provided function given to jacobian must be either a Tensor or a tuple of Tensors but the given outputs of the user-provided function has type <class 'int'>.
>>> torch.autograd.functional.hessian(lambda x: x*2,torch.ones(2))
RuntimeError: The Tensor returned by the function given to hessian should contain a single element
>>> torch.autograd.functional.vjp(lambda x: x*2,torch.ones(2))
RuntimeError: The vector v can only be None if the user-provided function returns a single Tensor with a single element.
>>> torch.autograd.functional.jvp(lambda x: x*2,torch.ones(2))
RuntimeError: The vector v can only be None if the input to the user-provided function is a single Tensor with a single element.
>>> torch.autograd.functional.vjp(lambda x: x*2,torch.ones(2),torch.ones(3))
RuntimeError: v has invalid size: should be torch.Size([2]) but got torch.Size([3]).
>>> x=torch.ones(2,requires_grad=True); x.data=torch.ones(2,dtype=torch.int64)
RuntimeError: data set to a tensor that requires gradients must be floating point or complex dtype
>>> torch.ones(2,requires_grad=True).resize_(3)
RuntimeError: cannot resize variables that require grad
>>> x=torch.ones(2,requires_grad=True); torch.autograd.graph.register_multi_grad_hook((x,),lambda g:None,mode="foo")
ValueError: Expects mode to be one of ('all', 'any') but got foo
"""


def values() -> dict[str, Any]:
    """The tensors that the expressions of ``NODES`` name."""
    torch.manual_seed(0)
    active = {"requires_grad": True}
    return {
        "torch": torch,
        "x": torch.rand(4, 4, **active), "y": torch.rand(4, 4, **active), "b": torch.rand(4, 4, 4, **active),
        "v": torch.rand(4, **active), "w": torch.rand(4, **active),
        "c": torch.randn(4, 4, dtype=torch.cdouble, **active),
        "m": torch.ones(4, 4) > 0, "idx": torch.tensor([0, 1]), "li": torch.zeros(4, 4, dtype=torch.long),
    }  # fmt: skip


def blocks(text: str) -> list[tuple[str, str]]:
    """The pairs of a transcript: what follows ``>>>``, and the lines after it."""
    parts = [part.split("\n", 1) for part in re.split(r"^>>> ", text, flags=re.MULTILINE)[1:]]
    return [(code, answer.rstrip()) for code, answer in parts]


@pytest.mark.parametrize("row", NODES.strip().splitlines())
def test_nodes_have_pytorchs_names(row: str) -> None:
    code, name = row.rsplit("    ", 1)
    node = eval(code, values()).grad_fn
    assert (type(node).__name__ if node is not None else "None (requires_grad=False)") == name


@pytest.mark.parametrize(("code", "printed"), blocks(PRINTED), ids=[code for code, _ in blocks(PRINTED)])
def test_values_print_as_pytorchs(code: str, printed: str) -> None:
    assert repr(eval(code, {"torch": torch})) == printed


@pytest.mark.parametrize(("code", "told"), blocks(ERRORS), ids=[code for code, _ in blocks(ERRORS)])
def test_errors_say_what_pytorchs_say(code: str, told: str) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            exec(code.replace("; ", "\n"), {"torch": torch, "np": np})
            said = ""
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
    said += "".join(f"{w.category.__name__}: {w.message}" for w in caught)
    assert said.strip() == told
