# hardiness on a CPU:  docker build -t hardiness .  &&  mkdir -p runs  &&  docker run --rm --user "$(id -u):$(id -g)" \
#   -v /data:/data -v "$PWD/runs:/runs" -v hardiness:/cache hardiness \
#   run -m efficientnet_lite0 -b imagenet-val --data /data --out /runs/first
# Results belong to who started it. The volume "hardiness" keeps kernels that were compiled for other processors than
# that of the build, and downloads.
FROM python:3.11-slim
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 HARDINESS_CACHE=/cache NUMBA_CACHE_DIR=/cache/kernels
RUN pip install torch torchvision --index-url https://download.pytorch.org/whl/cpu
WORKDIR /opt/hardiness
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
RUN pip install '.[demo,hf,onnx]' && hardiness data get frost
RUN hardiness run --suite demo --limit 1 --out /tmp/demo && rm -r /tmp/demo
RUN useradd --create-home user && mkdir -p /runs && chmod -R a+rwX /cache /runs /home/user
USER user
ENV HOME=/home/user USER=user
WORKDIR /home/user
ENTRYPOINT ["hardiness"]
CMD ["--help"]
